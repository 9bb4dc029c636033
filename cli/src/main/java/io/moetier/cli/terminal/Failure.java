package io.moetier.cli.terminal;

import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.TaskException;
import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.runtime.image.UnreadablePictureException;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/// What a command that fails tells its user: one sentence, and the exit code.
public record Failure(String sentence, int exitCode) {
    /// Exit code of a run that did what was asked.
    public static final int OK = 0;
    /// Exit code of a run that failed.
    public static final int FAILED = 1;
    /// Exit code of a command line that cannot be right.
    public static final int USAGE = 2;
    /// Exit code after Ctrl-C, as shells have it.
    public static final int INTERRUPTED = 130;

    /// How the sentence begins where the process may start no more threads.
    public static final String NO_THREAD = "no thread can be started";

    /// Returns what to say of `cause`.
    public static Failure of(Throwable cause) {
        return switch (cause) {
            case MalformedModelException e -> failed(message(e));
            case IllegalArgumentException e -> new Failure(oneLine(message(e)), USAGE);
            case MembershipException e -> failed(message(e));
            case MemberLeftException e -> failed(message(e));
            case TaskException e -> failed(message(e));
            case RefusedException e -> failed(message(e));
            case UnreadablePictureException e -> failed(message(e));
            case UncheckedIOException e -> failed(message(e));
            case IOException e -> failed(message(e));
            case CudaException e
            when e.isOutOfMemory() && e.isOfMainMemory() ->
                failed("no more main memory can be pinned (" + message(e) + "); a smaller --ram needs less");
            case CudaException e
            when e.isOutOfMemory() ->
                failed("the GPU is out of memory (" + message(e) + "); a smaller --vram or --ctx needs less");
            case CudaException e -> failed("the GPU failed: " + message(e));
            case OutOfMemoryError e
            when message(e).contains("native thread") -> failed(NO_THREAD + " (" + message(e) + ")");
            case OutOfMemoryError e ->
                failed("out of memory (" + message(e)
                        + "); a smaller --ram or --ctx needs less, MOETIER_JAVA_OPTS=-Xmx8g gives the JVM more");
            // The JVM has files of its own to open, and throws errors where it cannot.
            case Error e when IoFailure.isForWantOfFiles(e) -> failed(IoFailure.TOO_MANY_FILES);
            default ->
                failed("internal error: " + cause.getClass().getSimpleName() + ": " + message(cause)
                        + "; --debug shows where");
        };
    }

    private static Failure failed(String sentence) {
        return new Failure(oneLine(sentence), FAILED);
    }

    /// A message of its own says more than that of the cause, which is the default.
    private static String message(UncheckedIOException e) {
        IOException cause = e.getCause();
        return cause != null && cause.toString().equals(e.getMessage()) ? message(cause) : message((Throwable) e);
    }

    private static String message(IOException cause) {
        return switch (cause) {
            case NoSuchFileException e -> e.getFile() + ": no such file";
            case AccessDeniedException e -> e.getFile() + ": permission denied";
            case FileAlreadyExistsException e -> e.getFile() + ": exists already";
            case NotDirectoryException e -> e.getFile() + ": not a directory";
            case DirectoryNotEmptyException e -> e.getFile() + ": directory is not empty";
            case FileSystemException e
            when e.getFile() != null && e.getReason() != null -> e.getFile() + ": " + e.getReason();
            default -> message((Throwable) cause);
        };
    }

    private static String message(Throwable cause) {
        String message = cause.getMessage();
        return message == null || message.isBlank() ? cause.getClass().getSimpleName() : message;
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
