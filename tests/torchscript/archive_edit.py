"""A TorchScript archive with some of its records changed, as LibTorch's reader takes it."""

import fnmatch
import pickletools
import zipfile


def edited(source, target, edits):
    """Copies `source` to `target`. `edits`: pattern of a record's name -> function of its bytes.

    Every edit must find its record. Records are stored uncompressed, with right checksums.
    """
    unused = set(edits)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for record in old.infolist():
            content = old.read(record)
            for pattern, edit in edits.items():
                if fnmatch.fnmatchcase(record.filename, pattern):
                    unused.discard(pattern)
                    content = edit(content)
            new.writestr(zipfile.ZipInfo(record.filename), content)
    if unused:
        raise ValueError(f"{source}: expected records {sorted(unused)}, found none")


def replaced(old, new):
    """An edit: every `old`, of which there must be one, becomes `new`."""
    def edit(content):
        if old not in content:
            raise ValueError(f"expected {old!r}, found none")
        return content.replace(old, new)
    return edit


def with_integers(pickled, values):
    """The pickle with its integers replaced as `values` tells: {old: new}, each new below 2^63."""
    operations = list(pickletools.genops(pickled))
    ends = [position for _, _, position in operations[1:]] + [len(pickled)]
    result = bytearray()
    for (operation, argument, begin), end in zip(operations, ends):
        is_integer = operation.name in ("BININT1", "BININT2", "BININT", "LONG1")
        if is_integer and argument in values:
            result += b"\x8a\x08" + values[argument].to_bytes(8, "little")  # LONG1 of 8 bytes
        else:
            result += pickled[begin:end]
    return bytes(result)


def with_compressed_zeros(source, target, pickle_edit, sizes_bytes):
    """Copies `source` with its data.pkl edited and each data/I replaced by zeros, compressed.

    What `sizes_bytes` says is what a reader finds and must hold in memory; the file has about a
    thousandth of it.
    """
    chunk = bytes(1 << 20)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for record in old.infolist():
            folder, _, name = record.filename.rpartition("/")
            if folder.endswith("/data") and name in sizes_bytes:
                entry = zipfile.ZipInfo(record.filename)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with new.open(entry, "w") as stream:
                    for begin in range(0, sizes_bytes[name], len(chunk)):
                        stream.write(chunk[:sizes_bytes[name] - begin])
                continue
            content = old.read(record)
            if record.filename.endswith("/data.pkl"):
                content = pickle_edit(content)
            new.writestr(zipfile.ZipInfo(record.filename), content)
