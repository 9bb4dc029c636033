package io.moetier.cli.option;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// The bytes of a text that is read whole, and so must end: `/dev/zero` does not.
///
/// @param mebibytes the most that are read
public record LimitedText(int mebibytes) {
    /// Prompts: several times the text that the longest contexts hold.
    public static final LimitedText OF_PROMPT = new LimitedText(256);

    private static final Path STANDARD_INPUT = Path.of("-"); // to other programs

    /// Reads a file. The size of one that has any is known before it is read.
    ///
    /// @throws IOException if there is more, or nothing can be read
    public byte[] read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            if (Files.size(file) > bytes()) {
                throw tooLong(file.toString());
            }
            return read(in, file.toString());
        } catch (NoSuchFileException e) {
            throw file.equals(STANDARD_INPUT)
                    ? new IOException(file + ": no such file; standard input is /dev/stdin", e)
                    : e;
        }
    }

    /// Reads a file of UTF-8 text, without the byte order mark that some editors begin it with.
    ///
    /// @throws IOException if it is something else, there is more, or nothing can be read
    public String readUtf8(Path file) throws IOException {
        return decode(read(file), file.toString());
    }

    /// Reads UTF-8 text until the end, as [#readUtf8(Path)]; `name` is named in errors.
    ///
    /// @throws IOException if it is something else, there is more, or nothing can be read
    String readUtf8(InputStream in, String name) throws IOException {
        return decode(read(in, name), name);
    }

    private static String decode(byte[] bytes, String name) throws IOException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString()
                    .replaceFirst("^\uFEFF", "");
        } catch (CharacterCodingException e) {
            throw new IOException(name + ": expected UTF-8 text, found other bytes", e);
        }
    }

    /// Reads until the end; `name` is named in errors.
    ///
    /// @throws IOException if there is more, or nothing can be read
    byte[] read(InputStream in, String name) throws IOException {
        byte[] text;
        try {
            text = in.readNBytes(bytes() + 1);
        } catch (IOException e) {
            throw new IOException(name + ": " + e.getMessage(), e); // a directory can be opened but not read
        }
        if (text.length > bytes()) {
            throw tooLong(name);
        }
        return text;
    }

    private int bytes() {
        return mebibytes << 20;
    }

    private IOException tooLong(String name) {
        return new IOException(name + ": too long, expected at most " + mebibytes + " MiB of text");
    }
}
