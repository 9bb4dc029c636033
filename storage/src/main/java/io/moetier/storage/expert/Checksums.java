package io.moetier.storage.expert;

import io.moetier.storage.model.DamagedBlockException;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/// CRC32C over memory, and the sentences about it.
///
/// Only anonymous or heap memory may come here: the intrinsic runs outside the JVM's fault handling, and a fault under
/// it on a mapped page (file truncated, disk failed) would end the process.
final class Checksums {
    private static final long CHUNK_BYTES = 1 << 30;

    private Checksums() {}

    static int of(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    static int of(MemorySegment memory) {
        CRC32C crc = new CRC32C();
        update(crc, memory);
        return (int) crc.getValue();
    }

    static void update(CRC32C crc, MemorySegment memory) {
        for (long at = 0; at < memory.byteSize(); at += CHUNK_BYTES) {
            long length = Math.min(CHUNK_BYTES, memory.byteSize() - at);
            crc.update(memory.asSlice(at, length).asByteBuffer());
        }
    }

    static String hex(int crc) {
        return String.format("%08x", crc);
    }

    static String mismatch(int expected, int found) {
        return "checksum expected " + hex(expected) + ", found " + hex(found);
    }

    static MalformedModelException damaged(Path file, int expected, int found) {
        return new MalformedModelException(file + ": " + mismatch(expected, found));
    }

    static DamagedBlockException damaged(Path file, ExpertId id, int expected, int found) {
        return new DamagedBlockException(file + ": " + id + ": " + mismatch(expected, found));
    }
}
