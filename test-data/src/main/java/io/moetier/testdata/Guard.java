package io.moetier.testdata;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A shell that ends groups of processes: one when it is told to, and all that are left when this JVM ends. It sees
/// that by the end of its input, which the kernel sees to even if the JVM is killed.
final class Guard {
    private static final String SCRIPT = """
            trap '' HUP INT TERM
            left=' '
            while read -r what pid; do
              case $what in
              watch) left="$left$pid " ;;
              end)
                kill -s KILL -- "-$pid"
                left="${left%% $pid *} ${left#* $pid }"
                ;;
              esac
              echo "$what"
            done
            for pid in $left; do kill -s KILL -- "-$pid"; done
            """;

    private static @Nullable Guard ofJvm;

    private final Set<Long> watched = new HashSet<>();
    private final PrintStream orders;
    private final BufferedReader answers;

    private Guard() throws IOException {
        Process shell = new ProcessBuilder("setsid", "sh", "-c", SCRIPT)
                .redirectError(Redirect.DISCARD)
                .start();
        orders = new PrintStream(shell.getOutputStream(), true, StandardCharsets.UTF_8);
        answers = shell.inputReader();
    }

    /// Returns the one of this JVM.
    static synchronized Guard ofJvm() throws IOException {
        Guard guard = ofJvm;
        if (guard == null) {
            guard = new Guard();
            ofJvm = guard;
        }
        return guard;
    }

    /// Ends the group that process `pid` leads when this JVM ends.
    synchronized void watch(long pid) {
        watched.add(pid);
        order("watch " + pid);
    }

    /// Ends it now, unless it was ended before: the number may be that of another group by now.
    synchronized void end(long pid) {
        if (watched.remove(pid)) {
            order("end " + pid);
        }
    }

    private void order(String order) {
        orders.println(order);
        try {
            if (answers.readLine() == null) {
                throw new IllegalStateException("the guard of processes has ended");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
