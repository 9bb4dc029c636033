package io.moetier.runtime.text;

import java.util.List;
import java.util.Optional;

/// A vocabulary of SentencePiece, whichever kind of file it came from.
///
/// @param pieces the entries; the id of each is its place
/// @param byteFallback whether a character without a piece is written as the pieces of its bytes
record SentencePieceModel(
        List<Piece> pieces, Algorithm algorithm, boolean byteFallback, Marks marks, Normalization normalization) {
    SentencePieceModel {
        pieces = List.copyOf(pieces);
    }

    /// How a text is split into pieces.
    enum Algorithm {
        UNIGRAM,
        BPE
    }

    /// What a piece is; the order is that of the numbers in the files, from one.
    enum Kind {
        NORMAL,
        UNKNOWN,
        CONTROL,
        USER_DEFINED,
        UNUSED,
        BYTE;

        /// Returns the kind of a number in a file, empty if there is none.
        static Optional<Kind> numbered(long number) {
            return number >= 1 && number <= values().length
                    ? Optional.of(values()[(int) number - 1])
                    : Optional.empty();
        }
    }

    /// One entry of the vocabulary.
    record Piece(String text, float score, Kind kind) {}

    /// The ids of pieces with a meaning of their own.
    ///
    /// @param bosId the piece that begins a text, or a negative number
    /// @param eosId the piece that ends a text, or a negative number
    record Marks(int unkId, int bosId, int eosId) {}

    /// What is done to a text before it is split.
    ///
    /// @param charsmap the compiled rules that normalise characters in base 64, empty if there are none
    /// @param addDummyPrefix whether a blank is put before a text
    /// @param removeExtraWhitespaces whether blanks at the ends and repeated blanks are dropped
    record Normalization(String charsmap, boolean addDummyPrefix, boolean removeExtraWhitespaces) {}
}
