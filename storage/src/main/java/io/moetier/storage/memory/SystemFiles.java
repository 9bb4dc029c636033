package io.moetier.storage.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/// Reads the small text files in which Linux tells figures; elsewhere there are none.
final class SystemFiles {
    private SystemFiles() {}

    /// Returns the lines of a file, none if it cannot be read.
    static List<String> lines(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8)
                    .lines()
                    .toList(); // names may be no text
        } catch (IOException e) {
            return List.of();
        }
    }

    /// Returns the number behind `key` in the first line that starts with it, if there is one.
    static OptionalLong number(Path file, String key) {
        return number(lines(file), key);
    }

    /// Returns the number behind `key` in the first of a file's lines that starts with it and has one.
    static OptionalLong number(List<String> lines, String key) {
        for (String line : lines) {
            if (line.startsWith(key)) {
                String digits = word(line.substring(key.length()).strip());
                if (!digits.isEmpty() && digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
                    return OptionalLong.of(number(digits));
                }
            }
        }
        return OptionalLong.empty();
    }

    private static String word(String text) {
        int end = 0;
        while (end < text.length() && !Character.isWhitespace(text.charAt(end))) {
            end++;
        }
        return text.substring(0, end);
    }

    private static long number(String digits) {
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE; // larger than any figure of memory
        }
    }
}
