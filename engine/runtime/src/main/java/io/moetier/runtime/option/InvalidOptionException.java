package io.moetier.runtime.option;

import java.util.function.UnaryOperator;

/// An option cannot be what it is, by itself or beside the others. The message is one sentence that begins with the
/// field, such as `temperature: expected 0 or more, found -1`; whoever offers the field under another name says so by
/// [#sentence].
public final class InvalidOptionException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String field;
    private final String problem;
    private final String relief;

    /// @param field the record component or parameter
    public InvalidOptionException(String field, String problem) {
        this(field, problem, "");
    }

    /// Returns "field: " and the message of `cause`, which knows what is wrong but not of which field.
    public static InvalidOptionException of(String field, IllegalArgumentException cause) {
        InvalidOptionException refused = new InvalidOptionException(field, String.valueOf(cause.getMessage()));
        refused.initCause(cause);
        return refused;
    }

    private InvalidOptionException(String field, String problem, String relief) {
        super(sentence(field, problem, relief));
        this.field = field;
        this.problem = problem;
        this.relief = relief;
    }

    /// Returns "field: problem; a smaller relief needs less".
    ///
    /// @param relief another field, of which less would help
    public static InvalidOptionException tooLittle(String field, String problem, String relief) {
        return new InvalidOptionException(field, problem, relief);
    }

    /// Checks that `holds`.
    ///
    /// @throws InvalidOptionException "field: expected …, found …" if it does not
    public static void require(boolean holds, String field, String expected, Object found) {
        if (!holds) {
            throw new InvalidOptionException(field, "expected " + expected + ", found " + found);
        }
    }

    /// Returns the name of the record component or parameter.
    public String field() {
        return field;
    }

    /// Returns the message without fields.
    public String problem() {
        return problem;
    }

    /// Returns the message with fields named as `naming` has them.
    public String sentence(UnaryOperator<String> naming) {
        return sentence(naming.apply(field), problem, relief.isEmpty() ? "" : naming.apply(relief));
    }

    private static String sentence(String field, String problem, String relief) {
        return field + ": " + problem + (relief.isEmpty() ? "" : "; a smaller " + relief + " needs less");
    }
}
