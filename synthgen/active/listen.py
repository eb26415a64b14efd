"""The socket that the page is served on, opened before anything else, so that a taken port is said in a sentence."""

import socket

from synthgen.active.access import ServeError


def open_socket(host: str, port: int) -> socket.socket:
    """A socket bound to host and port (0: a free one).

    Raises:
        ServeError: the port is taken, or the host is none of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ServeError(
            f"cannot listen on {host} port {port} ({error.strerror or error}); another server may run there: "
            "give another --port (0 takes a free one)"
        ) from None
    return listener
