package io.moetier.storage.expert;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/// Damages files.
final class Flip {
    private Flip() {}

    static void bit(Path file, long bit) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(bit / 8);
            int old = bytes.read();
            bytes.seek(bit / 8);
            bytes.write(old ^ 1 << bit % 8);
        }
    }
}
