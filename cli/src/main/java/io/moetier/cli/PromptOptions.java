package io.moetier.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Where a prompt comes from, other than the command line's own words: a file, or token ids.
final class PromptOptions {
    @Option(
            names = {"-f", "--prompt-file"},
            paramLabel = "FILE",
            description = "Take the prompt from a file of UTF-8 text.")
    @Nullable
    Path promptFile;

    @Option(
            names = "--ids",
            paramLabel = "1,5,9",
            description = "Take these token ids as the prompt; needs no tokenizer.")
    @Nullable
    String ids;

    @Option(
            names = "--ids-file",
            paramLabel = "FILE",
            description = "Take the prompt's token ids from a file, separated by commas, blanks or lines.")
    @Nullable
    Path idsFile;

    /// Returns the ids that the user gave.
    Optional<int[]> ids() {
        if (ids != null) {
            return Optional.of(TokenIds.parse(ids, "--ids"));
        }
        return idsFile == null ? Optional.empty() : Optional.of(TokenIds.parse(read(idsFile), idsFile.toString()));
    }

    /// Returns the text in the file that the user gave.
    Optional<String> text() {
        return Optional.ofNullable(promptFile).map(PromptOptions::read);
    }

    /// Checks that at most one source is given, `words` being the prompt on the command line.
    ///
    /// @throws IllegalArgumentException if there are two
    void requireOneSource(@Nullable String words) {
        long sources = Stream.of(words, promptFile, ids, idsFile)
                .filter(source -> source != null)
                .count();
        if (sources > 1) {
            throw new IllegalArgumentException(
                    "expected one prompt, found " + sources + " of: PROMPT, --prompt-file, --ids, --ids-file");
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(file + ": expected UTF-8 text, found other bytes", e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
