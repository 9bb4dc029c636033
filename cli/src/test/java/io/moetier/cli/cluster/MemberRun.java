package io.moetier.cli.cluster;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.Moetier;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A command that goes on in a thread of its own while others are run. Closing it interrupts it as Ctrl-C does.
final class MemberRun implements AutoCloseable {
    private static final int POLL_MILLIS = 10;
    static final long PATIENCE_SECONDS = 120; // on a machine that is busy with other things

    private final Said out = new Said();
    private final Said err = new Said();
    private final CompletableFuture<Integer> exitCode = new CompletableFuture<>();
    private final Thread thread;

    private MemberRun(Surroundings surroundings, String... args) {
        Streams streams = new Streams(new ByteArrayInputStream(new byte[0]), out, new PrintWriter(err));
        thread = Thread.ofPlatform()
                .daemon()
                .start(() -> exitCode.complete(Moetier.execute(surroundings, streams, args)));
    }

    /// Starts a command of a user with this home, on a machine with this cache.
    static MemberRun start(Path home, Path cache, String... args) {
        return new MemberRun(new Surroundings(Map.of("MOETIER_CACHE", cache.toString()), home, ""), args);
    }

    /// Waits until it has printed a text, on either stream.
    MemberRun awaitText(String text) throws InterruptedException {
        String _ = await(Pattern.compile("(" + Pattern.quote(text) + ")"));
        return this;
    }

    /// Waits until it has printed something, on either stream, and returns the first group of it.
    String await(Pattern pattern) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (true) {
            boolean last = System.nanoTime() > end || exitCode.isDone();
            Matcher found = pattern.matcher(out.text() + "\n" + err.text());
            if (found.find()) {
                return found.group(1);
            }
            if (last) {
                throw new AssertionError("did not say '" + pattern + "': " + out.text() + err.text());
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    /// Waits for its end.
    CommandLineRun ended() throws InterruptedException {
        try {
            int code = exitCode.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            return new CommandLineRun(code, out.text(), err.text());
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("still running: " + out.text() + err.text(), e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        int _ = exitCode.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
    }

    /// What was printed so far.
    private static final class Said extends Writer {
        private final StringBuilder text = new StringBuilder(); // guarded by this

        @Override
        public synchronized void write(char[] letters, int offset, int length) {
            text.append(letters, offset, length);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}

        synchronized String text() {
            return text.toString();
        }
    }
}
