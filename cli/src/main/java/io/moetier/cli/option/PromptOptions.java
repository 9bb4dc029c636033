package io.moetier.cli.option;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Where a prompt comes from, other than the command line's own words: a file, or token ids.
@About(Topic.PROMPT)
public final class PromptOptions {
    @About(Topic.USUAL)
    @Option(
            names = {"-f", "--prompt-file"},
            order = 3,
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

    /// Returns the prompt that was given by an option.
    ///
    /// @throws IllegalArgumentException if none was, or two
    public Prompt require() {
        return find(null).orElseThrow(() -> noPrompt("give --prompt-file, --ids or --ids-file"));
    }

    /// Returns the prompt that was given by an option or as `words` on the command line.
    ///
    /// @throws IllegalArgumentException if none was, or two
    public Prompt require(@Nullable String words) {
        return find(words).orElseThrow(() -> noPrompt("give PROMPT, --prompt-file, --ids or --ids-file"));
    }

    /// Returns the prompt that was given by an option or as `words` on the command line.
    ///
    /// @throws IllegalArgumentException if there are two, or the one there is holds nothing
    public Optional<Prompt> find(@Nullable String words) {
        requireOneSource(words);
        if (ids != null) {
            return Optional.of(new Prompt.Ids(TokenIds.parse(ids, "--ids")));
        }
        if (idsFile != null) {
            return Optional.of(new Prompt.Ids(readIds(idsFile)));
        }
        if (promptFile != null) {
            return Optional.of(text(read(promptFile), promptFile + " is empty"));
        }
        return Optional.ofNullable(words).map(text -> text(text, "PROMPT is empty"));
    }

    /// Reads the prompt from standard input.
    public static Prompt read(InputStream standardInput) {
        return text(read(standardInput, "standard input"), "standard input is empty");
    }

    private static Prompt text(String text, String ifEmpty) {
        if (text.isEmpty()) {
            throw noPrompt(ifEmpty);
        }
        return new Prompt.Text(text);
    }

    private static IllegalArgumentException noPrompt(String reason) {
        return new IllegalArgumentException("no prompt: " + reason);
    }

    private void requireOneSource(@Nullable String words) {
        long sources = Stream.of(words, promptFile, ids, idsFile)
                .filter(source -> source != null)
                .count();
        if (sources > 1) {
            throw new IllegalArgumentException(
                    "expected one prompt, found " + sources + " of: PROMPT, --prompt-file, --ids, --ids-file");
        }
    }

    /// What is wrong in a file is no fault of the command line.
    private static int[] readIds(Path file) {
        try {
            return TokenIds.parse(read(file), file.toString());
        } catch (IllegalArgumentException e) {
            throw new UncheckedIOException(e.getMessage(), new IOException(e));
        }
    }

    private static String read(Path file) {
        try {
            return withoutLineEnd(LimitedText.OF_PROMPT.readUtf8(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(InputStream in, String name) {
        try {
            return withoutLineEnd(LimitedText.OF_PROMPT.readUtf8(in, name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns a text without the last line's end, which editors and `echo` add; so does llama.cpp.
    private static String withoutLineEnd(String text) {
        return text.replaceFirst("\r?\n\\z", "");
    }
}
