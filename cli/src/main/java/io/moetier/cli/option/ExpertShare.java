package io.moetier.cli.option;

import io.moetier.cli.terminal.Numbers;

/// A share of all experts as people write it, such as `25%`.
public final class ExpertShare {
    private ExpertShare() {}

    /// Says whether a text is a share, and not a size.
    public static boolean isOne(String text) {
        return text.endsWith("%");
    }

    /// Reads a share, which `option` gives.
    ///
    /// @return above 0, and at most 1
    /// @throws IllegalArgumentException if it is none
    public static double parse(String option, String text) {
        try {
            double share = isOne(text) ? Numbers.decimal(text.substring(0, text.length() - 1)) / 100 : 0;
            if (share > 0 && share <= 1) {
                return share;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new IllegalArgumentException(
                option + ": expected a share above 0% and up to 100% of all experts, found '" + text + "'");
    }
}
