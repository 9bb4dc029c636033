package io.moetier.runtime.hub;

import io.moetier.storage.file.TemporaryDirectory;
import io.moetier.storage.format.GgufFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Supplier;

/// Files that stand in for those of a model on the hub: as long as they are, but with nothing in them except what
/// describes the model. They take hardly any disk, and every reader of headers works on them.
///
/// Confined to one thread. Owns its folder, which closing removes.
public final class StandIns implements AutoCloseable {
    private static final int FIRST_PIECE = 1 << 20; // of a GGUF file, whose header does not tell how long it is
    private static final int MOST_OF_HEADER = 1 << 28;
    private static final String INDEX = ".index.json";
    private static final long MOST_OF_DESCRIPTION = 16L << 20;

    /// Megabytes that say nothing of the model.
    private static final Set<String> VOCABULARIES = Set.of("tokenizer.json", "tokenizer.model", "tiktoken.model");

    private final Hub hub;
    private final HubRepository repository;
    private final TemporaryDirectory directory;
    private final Path folder;
    private long bytesRead;

    private StandIns(Hub hub, HubRepository repository, TemporaryDirectory directory) {
        this.hub = hub;
        this.repository = repository;
        this.directory = directory;
        folder = directory.path();
    }

    /// Returns an empty folder for files of a repository.
    ///
    /// @param parent the directory that it is made in
    public static StandIns open(Hub hub, HubRepository repository, Path parent) {
        try {
            return new StandIns(hub, repository, TemporaryDirectory.create(parent, "headers"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Makes the files of a model and returns what of it is opened.
    ///
    /// @throws IllegalArgumentException if the files are no model
    /// @throws UncheckedIOException if the hub does not give what describes it
    /// @throws MalformedModelException if a header cannot be read
    public Path add(HubSelection selection) {
        String opened = selection
                .model()
                .orElseThrow(() -> new IllegalArgumentException(repository.name() + ": expected one model, found "
                        + selection.files().size() + " files"));
        try {
            for (HubFile file : selection.files()) {
                add(file);
            }
            return folder.resolve(opened);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns what `work` reads of the files. What it says of one that is not as it should be names it as a file of
    /// the repository: nobody could look for the stand-in.
    public <T> T read(Supplier<T> work) {
        try {
            return work.get();
        } catch (MalformedModelException e) {
            String name = repository.name().withoutSelection().toString();
            throw new MalformedModelException(String.valueOf(e.getMessage()).replace(folder.toString(), name), e);
        }
    }

    /// Returns how many bytes of the files came from the hub.
    public long bytesRead() {
        return bytesRead;
    }

    private void add(HubFile file) throws IOException {
        Path path = folder.resolve(file.path()).normalize();
        if (!path.startsWith(folder) || Files.exists(path)) {
            return; // a file of an earlier selection too
        }
        Files.createDirectories(path.resolveSibling("."));
        try (RandomAccessFile content = new RandomAccessFile(path.toFile(), "rw")) {
            write(() -> content.setLength(file.bytes()));
            if (file.path().endsWith(".safetensors")) {
                fillSafetensors(file, content);
            } else if (file.path().endsWith(".gguf")) {
                fillGguf(file, path, content);
            } else if (file.bytes() <= mostBytes(file) && !VOCABULARIES.contains(file.name())) {
                fill(file, content, 0, (int) file.bytes());
            }
        }
    }

    /// The index of some hundred thousand tensors is larger than all else that describes a model.
    private static long mostBytes(HubFile file) {
        return file.path().endsWith(INDEX) ? MOST_OF_HEADER : MOST_OF_DESCRIPTION;
    }

    private void fillSafetensors(HubFile file, RandomAccessFile content) throws IOException {
        int length = (int) Math.min(Long.BYTES, file.bytes());
        byte[] start = fill(file, content, 0, length);
        if (length == Long.BYTES) {
            long header = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (header > 0 && header <= Math.min(MOST_OF_HEADER, file.bytes() - Long.BYTES)) {
                fill(file, content, Long.BYTES, (int) header); // else its reader says what is wrong
            }
        }
    }

    /// Reads as much as there is of the header, or up to what is wrong with it.
    private void fillGguf(HubFile file, Path path, RandomAccessFile content) {
        try (Pieces pieces = new Pieces(file, content)) {
            GgufFile.check(path, pieces, file.bytes());
        } catch (MalformedModelException e) {
            // its reader says so
        }
    }

    /// The beginning of a file, which comes as far as it is read: in pieces each as large as all before.
    private final class Pieces implements ReadableByteChannel {
        private final HubFile file;
        private final RandomAccessFile content;
        private ByteBuffer piece = ByteBuffer.allocate(0);
        private int there;

        private Pieces(HubFile file, RandomAccessFile content) {
            this.file = file;
            this.content = content;
        }

        @Override
        public int read(ByteBuffer dst) {
            if (!piece.hasRemaining()) {
                if (there == file.bytes()) {
                    return -1;
                }
                int length = (int) Math.min(Math.max(FIRST_PIECE, there), file.bytes() - there);
                piece = ByteBuffer.wrap(next(length));
                there += length;
            }
            int length = Math.min(dst.remaining(), piece.remaining());
            dst.put(dst.position(), piece, piece.position(), length).position(dst.position() + length);
            piece.position(piece.position() + length);
            return length;
        }

        private byte[] next(int length) {
            try {
                return fill(file, content, there, length);
            } catch (IOException e) {
                throw new UncheckedIOException(e); // nothing is wrong with the header
            }
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    private byte[] fill(HubFile file, RandomAccessFile content, long offset, int length) throws IOException {
        byte[] bytes = hub.read(repository, file, offset, length);
        bytesRead += length;
        write(() -> {
            content.seek(offset);
            content.write(bytes);
        });
        return bytes;
    }

    /// What is done to a file.
    private interface Write {
        void run() throws IOException;
    }

    private void write(Write write) throws IOException {
        try {
            write.run();
        } catch (IOException e) {
            throw IoFailure.toWrite(folder, e);
        }
    }

    @Override
    public void close() {
        try {
            directory.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
