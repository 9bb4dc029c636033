package io.moetier.runtime.image;

/// A picture cannot be read, or a model cannot take it. The message is one sentence that begins with the picture's name
/// and is fit to be shown to a user as it is.
public final class UnreadablePictureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param name of the picture: a file, or what else it came as
    public UnreadablePictureException(String name, String problem) {
        super(name + ": " + problem);
    }

    UnreadablePictureException(String name, String problem, Throwable cause) {
        super(name + ": " + problem, cause);
    }
}
