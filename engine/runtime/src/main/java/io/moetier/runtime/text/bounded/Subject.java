package io.moetier.runtime.text.bounded;

import java.util.Optional;
import java.util.function.UnaryOperator;

/// A text on its way through a tokenizer, as far as it is known.
///
/// @param text what it is, empty if only its length is known
/// @param length how long it is at most
record Subject(Optional<String> text, double length) {
    static Subject of(String text) {
        return new Subject(Optional.of(text), text.length());
    }

    void weigh(PlacedPattern pattern, Effort effort) {
        text.ifPresentOrElse(known -> pattern.weigh(known, effort), () -> pattern.weigh(length, effort));
    }

    /// Returns what a step makes of this text.
    ///
    /// @param growth how many times longer it makes it at most
    /// @param added how many characters it adds besides
    /// @param rewriting what it does, if that is known
    /// @throws IllegalArgumentException if the text becomes too long
    Subject after(double growth, int added, Optional<UnaryOperator<String>> rewriting) {
        double longer = length * growth + added;
        if (text.isPresent() && rewriting.isPresent() && longer <= 2.0 * Integer.MAX_VALUE / growth) {
            return of(rewriting.get().apply(text.get())).requireShort();
        }
        return new Subject(Optional.empty(), longer).requireShort();
    }

    private Subject requireShort() {
        if (length > Limits.NORMALIZED_CHARACTERS) {
            throw new IllegalArgumentException("expected a text that normalizers make at most "
                    + Limits.NORMALIZED_CHARACTERS + " characters long, found one that may become "
                    + Effort.shown(length));
        }
        return this;
    }
}
