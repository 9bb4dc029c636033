package io.moetier.cli;

import java.util.Collection;
import java.util.List;
import java.util.Locale;

/// Finds what was meant by a word that is not quite one of those there are.
final class Spelling {
    private static final int LETTERS_PER_MISTAKE = 3;

    private Spelling() {}

    /// Returns those of `names` with the fewest mistakes in them, none if these were too many.
    static List<String> nearest(String word, Collection<String> names) {
        int least = names.stream().mapToInt(name -> mistakes(word, name)).min().orElse(0);
        return names.stream()
                .filter(name -> mistakes(word, name) == least && least <= most(word, name))
                .toList();
    }

    /// Counts the letters to replace, leave out, put in or exchange with the next one (Damerau 1964); dashes, capitals
    /// and underscores are no mistakes, nor is an end that was left out.
    private static int mistakes(String typed, String known) {
        String a = plain(typed);
        String b = plain(known);
        if (a.length() >= LETTERS_PER_MISTAKE && b.length() > a.length() && b.startsWith(a)) {
            return 1;
        }
        int[][] distance = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                distance[i][j] = i == 0 || j == 0 ? i + j : least(distance, a, b, i, j);
            }
        }
        return distance[a.length()][b.length()];
    }

    private static int least(int[][] distance, String a, String b, int i, int j) {
        int same = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        int least = Math.min(distance[i - 1][j - 1] + same, Math.min(distance[i - 1][j], distance[i][j - 1]) + 1);
        boolean exchanged = i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
        return exchanged ? Math.min(least, distance[i - 2][j - 2] + 1) : least;
    }

    private static int most(String typed, String known) {
        int letters = Math.min(plain(typed).length(), plain(known).length());
        return Math.min((letters + LETTERS_PER_MISTAKE - 1) / LETTERS_PER_MISTAKE, letters - 1);
    }

    private static String plain(String name) {
        String words = name.replace('_', '-').toLowerCase(Locale.ROOT);
        return words.replaceFirst("^-+", "");
    }
}
