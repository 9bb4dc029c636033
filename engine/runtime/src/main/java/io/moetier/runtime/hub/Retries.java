package io.moetier.runtime.hub;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.function.Consumer;

/// Asks again where that may help, each time later, and never before the hub wants to be asked.
final class Retries {
    /// How often it is tried again while somebody waits for an answer.
    static final int FEW = 3;

    /// How often it is tried again where there is an older answer.
    static final int NEVER = 0;

    /// How often it is tried again where much has come already, and more is to come.
    static final int MANY = 8;

    private static final Duration FIRST = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofSeconds(60);
    /// As long as the hub's limits last, and a second; hours are for people to decide on.
    private static final Duration MOST = Duration.ofMinutes(5).plusSeconds(1);

    private static final Duration WORTH_A_LINE = Duration.ofSeconds(5);

    private final Pause pause;
    private final Consumer<String> notes;

    /// Lets time pass.
    interface Pause {
        void await(Duration duration) throws InterruptedException;
    }

    /// What is tried.
    interface Attempt<T> {
        T run() throws IOException;
    }

    /// @param notes takes a line for people where it takes long
    Retries(Pause pause, Consumer<String> notes) {
        this.pause = pause;
        this.notes = notes;
    }

    /// Returns what `attempt` does, once it does.
    ///
    /// @param most how often it is tried again
    /// @throws IOException the last failure, if asking again does not help or did not
    <T> T run(int most, Attempt<T> attempt) throws IOException {
        for (int failed = 0; ; failed++) {
            try {
                return attempt.run();
            } catch (HubException e) {
                await(e, failed, most);
            }
        }
    }

    /// Waits after a failure.
    ///
    /// @param failed how many there were since something succeeded
    /// @throws IOException `failure` itself, if there is nothing to wait for
    void await(HubException failure, int failed, int most) throws IOException {
        if (!failure.isPassing() || failed >= most) {
            throw failure;
        }
        if (failure.pause().filter(pause -> pause.compareTo(MOST) > 0).isPresent()) {
            throw HubException.passing(
                    failure.getMessage() + "; it wants not to be asked for "
                            + failure.pause().get().toMinutes() + " minutes",
                    failure);
        }
        Duration own = FIRST.multipliedBy(1L << Math.min(failed, Integer.SIZE / 2));
        Duration duration = failure.pause().orElse(own.compareTo(LONGEST) < 0 ? own : LONGEST);
        if (duration.compareTo(WORTH_A_LINE) > 0 || failure.getCause() instanceof HttpTimeoutException) {
            notes.accept(failure.getMessage() + "; trying again in " + duration.toSeconds() + " s");
        }
        try {
            pause.await(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for the hub");
        }
    }
}
