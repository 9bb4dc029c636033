package io.moetier;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.model.MalformedModelException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/// Turns what the rooms below throw into what embedders catch; what an embedder's own listener throws comes back to it
/// as it is.
final class Failures {
    /// Options that have other names below.
    private static final Map<String, String> NAMES = Map.of("ramBytes", "memoryBytes");

    private Failures() {}

    /// What a listener has thrown, on its way through the rooms below.
    private static final class OfListener extends RuntimeException {
        private static final long serialVersionUID = 1;

        OfListener(RuntimeException cause) {
            super(cause);
        }
    }

    static <T> T translated(Supplier<T> work) {
        try {
            return work.get();
        } catch (OfListener e) {
            throw (RuntimeException) Objects.requireNonNull(e.getCause());
        } catch (MalformedModelException e) {
            throw new MoetierException.MalformedModel(e);
        } catch (UncheckedIOException e) {
            throw new MoetierException.InputOutput(e);
        } catch (InvalidOptionException e) {
            throw new MoetierException.NotPossible(e.sentence(name -> NAMES.getOrDefault(name, name)), e);
        } catch (IllegalArgumentException e) {
            throw new MoetierException.NotPossible(String.valueOf(e.getMessage()), e);
        }
    }

    static void translated(Runnable work) {
        translated(() -> {
            work.run();
            return true;
        });
    }

    /// Calls a listener.
    static void listener(Runnable call) {
        listener(() -> {
            call.run();
            return true;
        });
    }

    /// Asks a listener.
    static <T> T listener(Supplier<T> call) {
        try {
            return call.get();
        } catch (RuntimeException e) {
            throw ofListener(e);
        }
    }

    /// Returns what brings back what a listener has thrown.
    static RuntimeException ofListener(RuntimeException thrown) {
        return new OfListener(thrown);
    }
}
