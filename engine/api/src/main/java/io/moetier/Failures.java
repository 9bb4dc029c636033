package io.moetier;

import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.runtime.image.UnreadablePictureException;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.text.jinja.JinjaRenderer;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Turns what the rooms below throw into what embedders catch; what an embedder's own listener or policy throws comes
/// back to it as it is.
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
            throw ofFile(e);
        } catch (UncheckedIOException e) {
            throw new MoetierException.InputOutput(sentence(e), e);
        } catch (UnreadablePictureException e) {
            throw new MoetierException.InputOutput(String.valueOf(e.getMessage()), e);
        } catch (CudaException e) {
            throw e.isOutOfMemory() ? outOfMemory(e) : new MoetierException.DeviceFailed(e);
        } catch (InvalidOptionException e) {
            throw new MoetierException.NotPossible(e.sentence(name -> NAMES.getOrDefault(name, name)), e);
        } catch (IllegalArgumentException e) {
            throw new MoetierException.NotPossible(String.valueOf(e.getMessage()), e);
        }
    }

    /// Not every file that cannot be used is to be mended.
    private static MoetierException ofFile(MalformedModelException failure) {
        String message = String.valueOf(failure.getMessage());
        if (isInterrupt(failure.getCause())) {
            return new MoetierException.InputOutput(message, failure);
        }
        return JinjaRenderer.isRefusal(failure)
                ? new MoetierException.NotPossible(message, failure)
                : new MoetierException.MalformedModel(failure);
    }

    /// Says whether a file could not be read because the thread was interrupted, which says nothing of the file.
    private static boolean isInterrupt(@Nullable Throwable cause) {
        return cause instanceof ClosedByInterruptException || cause instanceof InterruptedIOException;
    }

    /// A message of its own says more than the default, which is the class and the message of the cause.
    private static String sentence(UncheckedIOException failure) {
        String message = String.valueOf(failure.getMessage());
        IOException cause = Objects.requireNonNull(failure.getCause());
        return message.equals(cause.toString()) ? IoFailure.sentence(cause) : message;
    }

    private static MoetierException outOfMemory(CudaException cause) {
        String sentence = cause.isOfMainMemory()
                ? "no more main memory can be pinned (" + cause.getMessage() + "); less of memoryBytes needs less"
                : "the GPU is out of memory (" + cause.getMessage()
                        + "); a smaller contextLength, or less of vramBytes, needs less";
        return new MoetierException.NotPossible(sentence, cause);
    }

    static void translated(Runnable work) {
        translated(() -> {
            work.run();
            return true;
        });
    }

    /// Checks that an option is what it can be.
    static void require(boolean holds, String field, String expected, Object found) {
        translated(() -> InvalidOptionException.require(holds, field, expected, found));
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
