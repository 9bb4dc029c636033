package io.moetier;

/// What can go wrong with a model that is not a mistake of the program: the message names the file or the option, what
/// was expected and what was found.
public abstract sealed class MoetierException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private MoetierException(String message, Throwable cause) {
        super(message, cause);
    }

    /// A file of the model is missing or damaged, or says what cannot be.
    public static final class MalformedModel extends MoetierException {
        private static final long serialVersionUID = 1;

        MalformedModel(Throwable cause) {
            super(String.valueOf(cause.getMessage()), cause);
        }
    }

    /// An option or a prompt does not fit the model or the machine.
    public static final class NotPossible extends MoetierException {
        private static final long serialVersionUID = 1;

        NotPossible(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// A GPU failed. A model that ran on it can only be closed.
    public static final class DeviceFailed extends MoetierException {
        private static final long serialVersionUID = 1;

        DeviceFailed(Throwable cause) {
            super("the GPU failed: " + cause.getMessage(), cause);
        }
    }

    /// A file cannot be read or written, be it that the thread was interrupted meanwhile.
    public static final class InputOutput extends MoetierException {
        private static final long serialVersionUID = 1;

        InputOutput(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
