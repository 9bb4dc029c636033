package io.moetier.cli.option;

/// Token ids as people write them: `1,5,9`, or separated by blanks or lines.
final class TokenIds {
    private TokenIds() {}

    /// Reads `text`; `source` is named in errors.
    ///
    /// @throws IllegalArgumentException if `text` holds no ids or something else
    static int[] parse(String text, String source) {
        String bare =
                text.strip().replaceFirst("^\\[", "").replaceFirst("]$", "").strip();
        if (bare.isEmpty()) {
            throw new IllegalArgumentException(source + ": expected token ids such as 1,5,9, found none");
        }
        String[] words = bare.split("\\s*[,\\s]\\s*", -1);
        int[] ids = new int[words.length];
        for (int i = 0; i < words.length; i++) {
            ids[i] = parseId(words[i], source);
        }
        return ids;
    }

    private static int parseId(String word, String source) {
        try {
            int id = Integer.parseInt(word);
            if (id >= 0) {
                return id;
            }
        } catch (NumberFormatException ignored) {
            // falls through to the one message
        }
        throw new IllegalArgumentException(source + ": expected token ids such as 1,5,9, found '" + word + "'");
    }
}
