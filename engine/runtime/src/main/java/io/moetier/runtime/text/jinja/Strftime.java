package io.moetier.runtime.text.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/// Formats a time by the patterns of C's `strftime` that chat templates use, in English.
final class Strftime {
    private Strftime() {}

    static String format(String pattern, LocalDateTime time) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            if (pattern.charAt(i) != '%' || i + 1 == pattern.length()) {
                out.append(pattern.charAt(i));
            } else {
                out.append(field(pattern.charAt(++i), time));
            }
        }
        return out.toString();
    }

    private static String field(char letter, LocalDateTime time) {
        String letters = switch (letter) {
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'm' -> "MM";
            case 'd' -> "dd";
            case 'B' -> "MMMM";
            case 'b' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'j' -> "DDD";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case '%' -> "'%'";
            default -> throw new JinjaException("strftime_now does not know %" + letter);
        };
        return DateTimeFormatter.ofPattern(letters, Locale.ENGLISH).format(time);
    }
}
