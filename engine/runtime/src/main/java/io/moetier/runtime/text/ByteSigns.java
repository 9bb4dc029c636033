package io.moetier.runtime.text;

/// The characters that stand for bytes where a vocabulary is of bytes and its file of text: those that print stand for
/// themselves, the others are counted from 256 on, as in GPT-2.
final class ByteSigns {
    private static final int BYTE_VALUES = 256;
    private static final String SIGNS = signs();

    private ByteSigns() {}

    /// Writes bytes.
    ///
    /// @param bytes as characters of the same numbers
    static String write(String bytes) {
        StringBuilder signs = new StringBuilder(bytes.length());
        bytes.chars().forEach(value -> signs.append(SIGNS.charAt(value)));
        return signs.toString();
    }

    private static String signs() {
        StringBuilder signs = new StringBuilder();
        int unseen = BYTE_VALUES;
        for (int value = 0; value < BYTE_VALUES; value++) {
            boolean isSeen = (value > ' ' && value < 0x7f) || (value > 0xa0 && value != 0xad);
            signs.append((char) (isSeen ? value : unseen++));
        }
        return signs.toString();
    }
}
