package io.moetier.runtime.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The hub did not give what it was asked for; the message says so in a sentence.
sealed class HubException extends IOException {
    private static final long serialVersionUID = 1;

    /// Whether it may give it when it is asked again.
    private final boolean passing;

    private final @Nullable Duration pause;

    private HubException(String message, boolean passing, @Nullable Duration pause, @Nullable Throwable cause) {
        super(message, cause);
        this.passing = passing;
        this.pause = pause;
    }

    /// Returns a failure that asking again does not mend.
    static HubException lasting(String message) {
        return new HubException(message, false, null, null);
    }

    /// Returns a failure that asking again may mend.
    static HubException passing(String message, @Nullable Throwable cause) {
        return new HubException(message, true, null, cause);
    }

    /// Returns a failure that asking again may mend, not before a time that the hub names.
    static HubException later(String message, Optional<Duration> pause) {
        return new HubException(message, true, pause.orElse(null), null);
    }

    /// Returns the failure of a hub that gives whole files where parts of them are asked for.
    static HubException withoutParts(String file) {
        return new WithoutParts(file + ": the hub gives the whole file where a part of it was asked for");
    }

    boolean isPassing() {
        return passing;
    }

    /// Returns how long the hub wants not to be asked.
    Optional<Duration> pause() {
        return Optional.ofNullable(pause);
    }

    /// Whoever needs no more than a part can do without; a small file can still be had whole.
    static final class WithoutParts extends HubException {
        private static final long serialVersionUID = 1;

        private WithoutParts(String message) {
            super(message, false, null, null);
        }
    }
}
