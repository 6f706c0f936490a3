"""A port in cleartext before a server that speaks TLS, so that tools without TLS can test it."""

import contextlib
import select
import socket
import ssl
import struct
import threading

CHUNK = 65536


class TLSForwarder:
    """Passes each connection on through TLS, byte by byte as it comes, half-closes included."""

    def __init__(self, host, port, context):
        self._target = (host, port)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        with plain, socket.create_connection(self._target) as secured:
            for end in (plain, secured):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                Session(plain, secured, self._context).run()
            except (OSError, ssl.SSLError):
                # What broke there is broken here: a reset, not an orderly end.
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Session:
    """One connection: cleartext on one side, records on the other."""

    def __init__(self, plain, secured, context):
        self._plain, self._secured = plain, secured
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname="localhost")

    def run(self):
        self._handshake()
        open_ends = [self._plain, self._secured]
        while self._secured in open_ends:
            for end in select.select(open_ends, [], [])[0]:
                alive = self._forward() if end is self._plain else self._return()
                if not alive:
                    open_ends.remove(end)

    def _flush(self):
        if data := self._outgoing.read():
            self._secured.sendall(data)

    def _handshake(self):
        while True:
            try:
                self._tls.do_handshake()
                return self._flush()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._secured.recv(CHUNK)
                if not data:
                    raise ConnectionResetError
                self._incoming.write(data)

    def _forward(self):
        """From the client to the server; whether there may be more."""
        data = self._plain.recv(CHUNK)
        if data:
            self._tls.write(data)
        else:
            # Says that nothing more comes; what the server still sends can be read.
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
        self._flush()
        return bool(data)

    def _return(self):
        """From the server to the client; whether there may be more."""
        data = self._secured.recv(CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        try:
            while chunk := self._tls.read(CHUNK):
                self._plain.sendall(chunk)
        except ssl.SSLWantReadError:
            self._flush()
            return True
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        with contextlib.suppress(OSError):
            self._plain.shutdown(socket.SHUT_WR)
        return bool(data)
