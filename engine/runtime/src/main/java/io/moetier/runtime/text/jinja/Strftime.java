package io.moetier.runtime.text.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/// Formats a time by the patterns of C's `strftime` that chat templates use, in English; a sign before a letter, as in
/// `%-d`, leaves out zeros and blanks in front.
final class Strftime {
    private Strftime() {}

    static String format(String pattern, LocalDateTime time) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            if (pattern.charAt(i) != '%' || i + 1 == pattern.length()) {
                out.append(pattern.charAt(i));
            } else {
                boolean shortened = pattern.charAt(i + 1) == '-' && i + 2 < pattern.length();
                i += shortened ? 2 : 1;
                String field = field(pattern.charAt(i), time);
                out.append(shortened ? field.replaceFirst("^[0 ]+(?=.)", "") : field);
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
            case 'e' -> "ppd";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'j' -> "DDD";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'F' -> "yyyy-MM-dd";
            case 'D' -> "MM/dd/yy";
            case 'R' -> "HH:mm";
            case 'T' -> "HH:mm:ss";
            case '%' -> "'%'";
            default -> throw new JinjaException("strftime_now does not know %" + letter);
        };
        return DateTimeFormatter.ofPattern(letters, Locale.ENGLISH).format(time);
    }
}
