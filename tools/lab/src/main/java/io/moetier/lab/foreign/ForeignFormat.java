package io.moetier.lab.foreign;

import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// A format of routing traces that other programs write; docs/traces.md describes each.
public enum ForeignFormat {
    /// The route trace of BigMoeOnEdge, version 1.
    ROUTE_TRACE("route_trace", "# *route_trace\\b.*"),
    /// The CSV of `llama-moe-trace`.
    LLAMA_MOE_TRACE("llama-moe-trace", "-?\\d+,\\d+,\\d+.*"),
    /// The `routed_experts` of vLLM: an array of NumPy, an archive of such arrays or a response in JSON.
    VLLM("vllm", "(\u0093NUMPY|PK[\u0003\u0005]|\\s*\\{).*");

    private static final int BEGINNING_BYTES = 256;

    private final String label;
    private final Pattern beginning;

    ForeignFormat(String label, String beginning) {
        this.label = label;
        this.beginning = Pattern.compile(beginning, Pattern.DOTALL);
    }

    /// Returns the spelling of command lines, for example `llama-moe-trace`.
    public String label() {
        return label;
    }

    /// Returns the labels of all, in order.
    public static String labels() {
        return Arrays.stream(values()).map(ForeignFormat::label).collect(Collectors.joining(", "));
    }

    /// Returns the format that `file` begins like.
    ///
    /// @throws MalformedModelException if it cannot be read or begins like none
    public static ForeignFormat of(Path file) {
        String text = beginning(file);
        if (text.startsWith("\u001f\u008b")) {
            throw new MalformedModelException(
                    file + ": expected one of " + labels() + ", found gzip, as traces of format moe-trace/1 have");
        }
        return Arrays.stream(values())
                .filter(format -> format.beginning.matcher(text).matches())
                .findFirst()
                .orElseThrow(() -> new MalformedModelException(
                        file + ": expected one of " + labels() + ", found a file that begins like none of them"));
    }

    /// Says whether `file` begins like an array of NumPy.
    static boolean isArray(Path file) {
        return beginning(file).startsWith(NpyArray.MAGIC);
    }

    /// Says whether `file` begins like a zip file, be it empty.
    static boolean isArchive(Path file) {
        return beginning(file).startsWith("PK");
    }

    private static String beginning(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(BEGINNING_BYTES), StandardCharsets.ISO_8859_1); // a character for each byte
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
