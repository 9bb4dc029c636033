package io.moetier.cli.terminal;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/// What libraries of clusters and of terminals log of themselves: nothing. What people have to know of it, the program
/// says in its own words; a way that ends in the middle of a call would print a page of Java beside it, and so would a
/// terminal whose name is in no database.
public final class LibraryLogs {
    /// Kept here, for a logger that nobody keeps forgets what it was told. That of gRPC has that of Netty below it.
    private static final List<Logger> LOGGERS =
            List.of(Logger.getLogger("io.grpc"), Logger.getLogger("org.jgroups"), Logger.getLogger("org.jline"));

    private LibraryLogs() {}

    /// Has them be silent from now on.
    public static void silence() {
        LOGGERS.forEach(logger -> logger.setLevel(Level.OFF));
    }
}
