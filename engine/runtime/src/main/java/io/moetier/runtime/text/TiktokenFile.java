package io.moetier.runtime.text;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// Reads a `tiktoken.model`: on each line the bytes of a token in base64 and its rank, which is its id.
///
/// The ranks are 0 to the number of tokens less one, in whatever order, and each of the 256 bytes is a token.
final class TiktokenFile {
    /// Kimi's has 2.8 million.
    private static final long MOST_BYTES = 16L << 20;

    /// Those of OpenAI have up to 128.
    private static final int MOST_BYTES_OF_A_TOKEN = 1024;

    private static final int BYTE_VALUES = 256;
    private static final int MOST_SHOWN = 100;
    private static final Pattern BLANKS = Pattern.compile("\\s+");

    private final Path source;
    private final Set<String> tokens = new HashSet<>();
    private final SortedMap<Integer, String> byRank = new TreeMap<>();

    private TiktokenFile(Path source) {
        this.source = source;
    }

    /// Returns the tokens by rank. A character of one stands for the byte of the same number.
    ///
    /// @throws MalformedModelException if the file is missing or not what it should be
    static List<String> read(Path source) {
        TiktokenFile file = new TiktokenFile(source);
        file.readLines();
        file.requireAll();
        return List.copyOf(file.byRank.values());
    }

    private void readLines() {
        int number = 0;
        for (String line : content().lines().toList()) {
            number++;
            if (!line.isBlank()) {
                readLine("line " + number, BLANKS.split(line.strip(), -1));
            }
        }
    }

    private String content() {
        try {
            long bytes = Files.size(source);
            if (bytes > MOST_BYTES) {
                throw MalformedModelException.of(source, "size", "at most " + MOST_BYTES + " bytes", bytes);
            }
            return Files.readString(source, StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(source + ": no such file", e);
        } catch (IOException e) {
            throw new MalformedModelException(source + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }

    private void readLine(String line, String[] words) {
        if (words.length != 2) {
            throw unexpected(line, "a token in base64, a blank and its rank", String.join(" ", words));
        }
        String token = token(line, words[0]);
        if (!tokens.add(token)) {
            throw unexpected(line, "tokens that differ", words[0] + " again");
        }
        if (byRank.putIfAbsent(rank(line, words[1]), token) != null) {
            throw unexpected(line, "ranks that differ", words[1] + " again");
        }
    }

    private String token(String line, String base64) {
        byte[] token;
        try {
            token = Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw unexpected(line, "a token in base64", base64);
        }
        if (token.length > MOST_BYTES_OF_A_TOKEN) {
            throw unexpected(line, "a token of at most " + MOST_BYTES_OF_A_TOKEN + " bytes", token.length + " bytes");
        }
        return new String(token, StandardCharsets.ISO_8859_1);
    }

    private int rank(String line, String number) {
        try {
            int rank = Integer.parseInt(number);
            if (rank >= 0) {
                return rank;
            }
        } catch (NumberFormatException e) {
            // no rank either
        }
        throw unexpected(line, "a rank from 0 on", number);
    }

    private void requireAll() {
        if (tokens.isEmpty()) {
            throw unexpected("tokens", "lines of a token and its rank", "none");
        }
        int last = byRank.lastKey();
        if (last >= tokens.size()) {
            throw unexpected(
                    "ranks",
                    "0 to " + (tokens.size() - 1) + ", as there are " + tokens.size() + " tokens",
                    Integer.toString(last));
        }
        for (int value = 0; value < BYTE_VALUES; value++) {
            if (!tokens.contains(Character.toString(value))) {
                throw unexpected("tokens", "one for each byte", "none for byte " + value);
            }
        }
    }

    private MalformedModelException unexpected(String field, String expected, String found) {
        String shown = found.length() <= MOST_SHOWN ? found : found.substring(0, MOST_SHOWN) + "…";
        return MalformedModelException.of(source, field, expected, shown);
    }
}
