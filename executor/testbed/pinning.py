"""Which processors of this machine a host is bound to."""

from errors import InputError

_ROUNDING = 1e-9


def _parts(share):
    """(whole processors, part of another)"""
    whole = int(share + _ROUNDING)
    part = share - whole
    return whole, part if part > _ROUNDING else 0.0


def is_whole(share):
    return _parts(share)[1] == 0


def sole_parts(shares, places):
    """{host: (processor, part of it)} of hosts whose part of a processor no other host is bound
    to, given their places by `pinned`."""
    found = {}
    for host, share in shares.items():
        _, part = _parts(share)
        if part and not any(places[host][-1] in others for name, others in places.items()
                            if name != host):
            found[host] = (places[host][-1], part)
    return found


def shared_parts(shares, places):
    """{processor: [host, …]} of processors of which several hosts have parts, likewise."""
    found = {}
    for host, share in shares.items():
        if _parts(share)[1]:
            found.setdefault(places[host][-1], []).append(host)
    return {processor: hosts for processor, hosts in found.items() if len(hosts) > 1}


def pinned(shares, processors):
    """{host: [processor, …]} of {host: share of the processors}, given the processors' numbers.

    Whole processors are the host's alone; parts of several hosts share one, the largest first, each
    where it is the first to have room. Raises InputError where they do not all find room.
    """
    left = sorted(processors)
    places = {}
    for host, share in shares.items():
        whole, _ = _parts(share)
        if whole > len(left):
            raise InputError(f"expected hosts that fit on {len(processors)} processors, each bound "
                             f'to its own: there are none left for "{host}"')
        places[host], left = left[:whole], left[whole:]
    room = {processor: 1.0 for processor in left}
    for host, share in sorted(shares.items(), key=lambda item: (-_parts(item[1])[1], item[0])):
        _, part = _parts(share)
        if not part:
            continue
        found = next((processor for processor in left if room[processor] >= part - _ROUNDING), None)
        if found is None:
            raise InputError(f"expected hosts that fit on {len(processors)} processors, each bound "
                             f'to its own: there is no room left for "{host}"')
        room[found] -= part
        places[host].append(found)
    return places
