package io.moetier.runtime.offload;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.moetier.storage.cache.UseEstimator;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;

/// What the estimators of a model's caches have learnt, from run to run: a property of the model and of the kind of
/// text, where what a cache holds is one of the moment.
///
/// The file, little-endian: `moelrnt1`; how many tokens it was learnt from, as a long; how many parts there are, as an
/// int; for each the checksum of the packed ids of the cache's experts, how many these are, how many bytes follow, all
/// as ints, and what [LearntBytes#keep] wrote; at the end the checksum (CRC-32C) of all before. Caches of the same
/// experts, on a device and in main memory, have one part together.
public final class LearntFile {
    private static final byte[] FORMAT = "moelrnt1".getBytes(US_ASCII);
    /// No file is larger.
    public static final long MAX_BYTES = 64L << 20;
    private static final int HEAD = FORMAT.length + Long.BYTES + Integer.BYTES;
    private static final int PART_HEAD = 3 * Integer.BYTES;

    private LearntFile() {}

    /// The experts that an estimator knows.
    private record Members(int checksum, int number) {
        static Members of(UseEstimator learner) {
            int[] ids = learner.ids();
            ByteBuffer bytes = ByteBuffer.allocate(ids.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asIntBuffer().put(ids);
            return new Members(crc(bytes), ids.length);
        }
    }

    /// Returns from how many tokens was learnt what the file holds.
    ///
    /// @throws MalformedModelException if it is damaged or something else
    public static long tokens(Path file) {
        return checked(file).getLong(FORMAT.length);
    }

    /// Returns from how many tokens was learnt what `bytes` hold.
    ///
    /// @param source where they come from, for errors
    /// @throws MalformedModelException if they are damaged or something else
    public static long tokens(Path source, byte[] bytes) {
        return checked(source, bytes).getLong(FORMAT.length);
    }

    /// Returns what [#publish] is to write: of what `learners` have learnt as much as 64 MiB hold; nothing if there
    /// is none.
    ///
    /// @param tokens from which it was learnt, those of earlier runs included
    static Optional<ByteBuffer> image(long tokens, List<UseEstimator> learners) {
        long bytes = (long) HEAD + Integer.BYTES;
        Map<Members, UseEstimator> parts = new LinkedHashMap<>();
        for (UseEstimator learner : learners) {
            long with = bytes + PART_HEAD + learner.keptBytes();
            if (learner.keptBytes() > 0
                    && with <= MAX_BYTES
                    && parts.putIfAbsent(Members.of(learner), learner) == null) {
                bytes = with;
            }
        }
        return parts.isEmpty() ? Optional.empty() : Optional.of(image(tokens, parts, (int) bytes));
    }

    private static ByteBuffer image(long tokens, Map<Members, UseEstimator> parts, int bytes) {
        ByteBuffer image = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        image.put(FORMAT).putLong(tokens).putInt(parts.size());
        parts.forEach((members, learner) -> {
            image.putInt(members.checksum()).putInt(members.number()).putInt((int) learner.keptBytes());
            LearntBytes.keep(learner, image);
        });
        image.putInt(crc(image.duplicate().flip()));
        return image.flip();
    }

    /// Replaces the file at once: of two runs that end together, one is kept whole.
    static void publish(Path file, ByteBuffer image) throws IOException {
        try (UnfinishedFile unfinished = UnfinishedFile.createPrivate(file)) {
            byte[] bytes = new byte[image.remaining()];
            image.get(image.position(), bytes);
            Files.write(unfinished.path(), bytes);
            unfinished.publish();
        }
    }

    /// Lets `learners` take up what is in the file, and returns from how many tokens that was learnt.
    ///
    /// @throws MalformedModelException if it is damaged, or of other experts; nothing is taken up then
    static long read(Path file, List<UseEstimator> learners) {
        return parts(file).teach(learners);
    }

    /// Returns what is in the file.
    ///
    /// @throws MalformedModelException if it is damaged
    static Parts parts(Path file) {
        ByteBuffer image = checked(file);
        image.position(FORMAT.length);
        long tokens = image.getLong();
        Map<Members, ByteBuffer> parts = new LinkedHashMap<>();
        int numParts = image.getInt();
        for (int i = 0; i < numParts; i++) {
            require(file, "part " + i, "12 bytes more", image.remaining() >= PART_HEAD, image.remaining());
            Members members = new Members(image.getInt(), image.getInt());
            int bytes = image.getInt();
            require(file, "part " + i, bytes + " bytes", bytes >= 0 && bytes <= image.remaining(), image.remaining());
            parts.put(members, image.slice(image.position(), bytes).order(image.order()));
            image.position(image.position() + bytes);
        }
        return new Parts(file, tokens, parts);
    }

    /// What is in a file.
    static final class Parts {
        private final Path file;
        private final long tokens;
        private final Map<Members, ByteBuffer> parts;

        private Parts(Path file, long tokens, Map<Members, ByteBuffer> parts) {
            this.file = file;
            this.tokens = tokens;
            this.parts = parts;
        }

        /// Lets `learners` take it up, and returns from how many tokens it was learnt.
        ///
        /// @throws MalformedModelException if it is of other experts; nothing is taken up then
        long teach(List<UseEstimator> learners) {
            Map<UseEstimator, ByteBuffer> found = new LinkedHashMap<>();
            for (UseEstimator learner : learners) {
                ByteBuffer part = parts.get(Members.of(learner));
                if (part != null) {
                    found.put(learner, part);
                }
            }
            require(file, "parts", "those of the model's experts", !found.isEmpty(), "others");
            try {
                found.forEach(LearntBytes::check);
            } catch (IllegalArgumentException e) {
                throw new MalformedModelException(file + ": " + e.getMessage(), e);
            }
            found.forEach((learner, part) ->
                    LearntBytes.takeUp(learner, part.duplicate().order(part.order())));
            return tokens;
        }
    }

    /// Returns the file but for its checksum.
    private static ByteBuffer checked(Path file) {
        try {
            long size = Files.size(file);
            require(file, "size", "at most " + MAX_BYTES + " bytes", size <= MAX_BYTES, size);
            return checked(file, Files.readAllBytes(file));
        } catch (IOException e) {
            throw new MalformedModelException(file + ": " + IoFailure.reason(e), e);
        }
    }

    private static ByteBuffer checked(Path file, byte[] bytes) {
        ByteBuffer image = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int end = image.limit() - Integer.BYTES;
        require(file, "size", "at least " + (HEAD + Integer.BYTES) + " bytes", end >= HEAD, image.limit());
        String format = new String(image.array(), 0, FORMAT.length, US_ASCII);
        require(file, "format", new String(FORMAT, US_ASCII), format.equals(new String(FORMAT, US_ASCII)), format);
        int checksum = image.getInt(end);
        int found = crc(image.limit(end).duplicate());
        require(file, "checksum", Integer.toHexString(checksum), found == checksum, Integer.toHexString(found));
        require(file, "tokens", "a number above 0", image.getLong(FORMAT.length) > 0, image.getLong(FORMAT.length));
        return image;
    }

    private static int crc(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    private static void require(Path file, String field, String expected, boolean holds, Object found) {
        if (!holds) {
            throw MalformedModelException.of(file, field, expected, found);
        }
    }
}
