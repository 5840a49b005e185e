"""A Slurm of one's own: munged, slurmctld and one slurmd, on this machine, in a directory."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

from launched_run import end_group, environment, finish, free_port

_PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scontrol")
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class SlurmError(Exception):
    """It cannot be started here."""


def reason_not_to_run():
    if os.geteuid() != 0:
        return "a Slurm of one's own needs root"
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
    return f"there is no {' and no '.join(missing)}" if missing else None


class SlurmCluster:
    """Up from `__init__` on; `close()` ends its processes and removes its files.

    Raises SlurmError, with the end of the log, when a part of it does not start.
    """

    def __init__(self, num_processors=4):
        self.directory = tempfile.mkdtemp(prefix="cadastre-slurm-")
        self._daemons = []
        self.environment = environment(SLURM_CONF=self._path("slurm.conf"))
        try:
            self._write_files(num_processors)
            self._start("munged", "--foreground", "--force", "--num-threads=2",
                        f"--socket={self._path('munge.socket')}",
                        f"--key-file={self._path('munge.key')}",
                        f"--pid-file={self._path('munged.pid')}",
                        f"--log-file={self._path('munged.log')}",
                        f"--seed-file={self._path('munge.seed')}")
            self._wait("munged", lambda: os.path.exists(self._path("munge.socket")))
            self._start("slurmctld", "-D", "-i", "-f", self._path("slurm.conf"))
            self._wait("slurmctld", lambda: "UP" in self._ask("scontrol", "ping"))
            self._start("slurmd", "-D", "-N", self._host, "-f", self._path("slurm.conf"))
            self._wait("slurmd", lambda: "State=IDLE" in self._ask("scontrol", "show", "node"))
        except BaseException:
            self.close()
            raise

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _write_files(self, num_processors):
        with open(self._path("munge.key"), "wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(os.urandom(128))
        os.makedirs(self._path("state"))
        os.makedirs(self._path("spool"))
        self._host = socket.gethostname().split(".")[0]
        with open(self._path("slurm.conf"), "w", encoding="utf-8") as stream:
            stream.write(f"""
ClusterName=cadastre
SlurmctldHost={self._host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={self._path("munge.socket")}
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/linear
SwitchType=switch/none
ReturnToService=2
KillWait=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
StateSaveLocation={self._path("state")}
SlurmdSpoolDir={self._path("spool")}
SlurmctldPidFile={self._path("slurmctld.pid")}
SlurmdPidFile={self._path("slurmd.pid")}
SlurmctldLogFile={self._path("slurmctld.log")}
SlurmdLogFile={self._path("slurmd.log")}
SlurmdParameters=config_overrides
NodeName={self._host} NodeAddr=127.0.0.1 Port={free_port()} CPUs={num_processors} State=UNKNOWN
PartitionName=all Nodes={self._host} Default=YES MaxTime=INFINITE State=UP
""")

    def _start(self, name, *arguments):
        # In a session of its own: whatever it starts can be ended with it.
        self._daemons.append((name, subprocess.Popen(
            [shutil.which(name, path=_PATH), *arguments], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self._path(f"{name}.err"), "w", encoding="utf-8"),
            start_new_session=True)))

    def _ask(self, *command):
        return finish(list(command), within_s=10, env=self.environment).out

    def _wait(self, name, condition, within_s=30):
        end = time.monotonic() + within_s
        while not condition():
            ended = [one for one, process in self._daemons if process.poll() is not None]
            if ended or time.monotonic() > end:
                raise SlurmError(f"{name} does not come up: {self._last_words(name)}")
            time.sleep(0.1)

    def _last_words(self, name):
        said = ""
        for file in (f"{name}.log", f"{name}.err"):
            if os.path.exists(self._path(file)):
                with open(self._path(file), encoding="utf-8") as stream:
                    said = (stream.read().strip().splitlines() or [said])[-1]
        return said or "it says nothing"

    def close(self):
        for _, process in reversed(self._daemons):
            process.terminate()
        for _, process in reversed(self._daemons):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                pass
            end_group(process)
            process.wait()
        shutil.rmtree(self.directory)
