package io.moetier.runtime.text;

/// What the native library made of a text.
final class Encoded {
    private final int[] ids;
    private final int behind;

    /// @param behind how many of the tokens were put behind those of the text
    Encoded(int[] ids, int behind) {
        this.ids = ids;
        this.behind = behind;
    }

    /// Returns the ids, those around the text too; they are not copied.
    int[] ids() {
        return ids;
    }

    /// Returns how many of the tokens were put behind those of the text.
    int behind() {
        return behind;
    }
}
