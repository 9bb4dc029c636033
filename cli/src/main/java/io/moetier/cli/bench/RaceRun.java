package io.moetier.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.TimeUnit;

/// An engine's process in a group of its own, watched: what it reads, and that it ends in time.
final class RaceRun implements AutoCloseable {
    private static final int POLL_MILLIS = 20;
    private static final String READ_BYTES = "read_bytes: ";

    private final LimitedGroup group;
    private final Process process;
    private final double mostSeconds;
    private final long begin = System.nanoTime();
    private final Timer timer = new Timer("moetier-race", true);
    private volatile boolean overdue;
    private long readBytes;

    /// @param mostSeconds after which it is killed
    RaceRun(LimitedGroup group, Process process, double mostSeconds) {
        this.group = group;
        this.process = process;
        this.mostSeconds = mostSeconds;
        timer.schedule(
                new TimerTask() {
                    @Override
                    public void run() {
                        overdue = true;
                        group.kill();
                    }
                },
                (long) (mostSeconds * TimeUnit.SECONDS.toMillis(1)));
    }

    Process process() {
        return process;
    }

    /// Returns how many bytes it has had from disks, or had when last seen alive.
    long readBytes() {
        try {
            readBytes = Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "io")).stream()
                    .filter(line -> line.startsWith(READ_BYTES))
                    .mapToLong(line -> Long.parseLong(line.substring(READ_BYTES.length())))
                    .findFirst()
                    .orElse(readBytes);
        } catch (IOException e) {
            // it has ended
        }
        return readBytes;
    }

    /// Waits until it ends.
    ///
    /// @return its exit code
    /// @throws IOException if this thread is interrupted
    int await() throws IOException {
        try {
            while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                readBytes();
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the race was interrupted", e);
        }
    }

    /// Returns what became of it.
    ///
    /// @param failure what to say of it if it was not killed
    RaceResult result(String engine, Optional<Steps> steps, String failure) {
        double seconds = (System.nanoTime() - begin) / 1e9;
        OptionalLong peak = group.peakBytes();
        String remark = overdue
                ? String.format(Locale.ROOT, "not done after %.0f s", mostSeconds)
                : group.hasRunOut() ? "killed: it needs more memory than the limit" : failure;
        return new RaceResult(engine, steps, seconds, readBytes(), peak, remark);
    }

    /// Ends what still runs.
    @Override
    public void close() {
        timer.cancel();
        group.kill();
    }
}
