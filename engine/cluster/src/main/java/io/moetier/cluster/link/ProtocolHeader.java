package io.moetier.cluster.link;

import io.grpc.Metadata;
import io.moetier.cluster.wire.Protocol;

/// What both sides of a link tell each other in headers, before any message: which protocol they speak.
final class ProtocolHeader {
    static final Metadata.Key<String> VERSION = Metadata.Key.of("moetier-protocol", Metadata.ASCII_STRING_MARSHALLER);

    private ProtocolHeader() {}

    static Metadata headers() {
        Metadata headers = new Metadata();
        headers.put(VERSION, String.valueOf(Protocol.VERSION));
        return headers;
    }

    /// @throws RefusedException if the other side speaks another protocol
    static void requireVersion(Metadata headers, String side, String otherSide) {
        String version = headers.get(VERSION);
        if (!String.valueOf(Protocol.VERSION).equals(version)) {
            throw new RefusedException("the " + side + " speaks version " + Protocol.VERSION
                    + " of the protocol and the " + otherSide
                    + (version == null ? " none" : " " + version)
                    + ": both must be of the same version of Moetier");
        }
    }
}
