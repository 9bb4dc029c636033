package io.moetier;

import io.moetier.storage.model.MalformedModelException;
import java.io.UncheckedIOException;
import java.util.function.Supplier;

/// Turns what the rooms below throw into what embedders catch.
final class Failures {
    private Failures() {}

    static <T> T translated(Supplier<T> work) {
        try {
            return work.get();
        } catch (MalformedModelException e) {
            throw new MoetierException.MalformedModel(e);
        } catch (UncheckedIOException e) {
            throw new MoetierException.InputOutput(e);
        } catch (IllegalArgumentException e) {
            throw new MoetierException.NotPossible(e);
        }
    }

    static void translated(Runnable work) {
        translated(() -> {
            work.run();
            return true;
        });
    }
}
