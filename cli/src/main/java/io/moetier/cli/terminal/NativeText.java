package io.moetier.cli.terminal;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Says whether text that came from the operating system is what was meant.
///
/// Arguments, variables and names of files are bytes there. They are UTF-8, but the JVM takes them for text in the
/// encoding of the locale, and puts other letters in the place of bytes that have no meaning in it, without a word.
///
/// @param encoding that of the JVM
public record NativeText(String encoding) {
    private static final char REPLACEMENT = '\uFFFD';

    /// Returns that of this process. Windows has text and no bytes.
    public static NativeText ofProcess() {
        boolean windows = System.getProperty("os.name").startsWith("Windows");
        String utf8 = StandardCharsets.UTF_8.name();
        return new NativeText(windows ? utf8 : System.getProperty("sun.jnu.encoding", utf8));
    }

    /// Returns what speaks against `text`, if anything does.
    public Optional<String> objection(String text) {
        if (text.chars().allMatch(letter -> letter < 128)) {
            return Optional.empty();
        }
        if (!encoding.equalsIgnoreCase(StandardCharsets.UTF_8.name())) {
            return Optional.of("'" + text + "': the JVM takes arguments and names of files for " + encoding
                    + "; these letters need a locale of UTF-8, such as LC_ALL=C.UTF-8, if this machine has it");
        }
        return text.indexOf(REPLACEMENT) < 0
                ? Optional.empty()
                : Optional.of("'" + text + "': expected UTF-8, found other bytes; what they were sent by, such as a"
                        + " terminal, has another encoding");
    }
}
