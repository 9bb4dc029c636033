package io.moetier.cluster.link;

import io.moetier.cluster.membership.Identity;
import java.io.IOException;
import java.nio.file.Path;

/// Opens a link and closes it and its server, of which no thread may stay; timers do for a second.
final class ClosedLinks {
    private ClosedLinks() {}

    /// Ends badly if a thread stays.
    ///
    /// @param arguments a folder to write to
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Identity identity = LinkFixture.secret(Path.of(arguments[0]), "a secret of this cluster");
        try (NodeServer server = NodeServer.start(LinkFixture.HOST, 0, identity, new TestService())) {
            LinkFixture.open(server.port(), identity).close();
        }
        LinkFixture.requireNoThreads("moetier-", "grpc-", "globalEventExecutor");
    }
}
