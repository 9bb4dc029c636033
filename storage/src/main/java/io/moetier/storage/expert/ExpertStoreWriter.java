package io.moetier.storage.expert;

import io.moetier.storage.file.Leftovers;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.TextFile;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Builds a store in a temporary directory and publishes it in one step when it is complete.
///
/// Until [#publish] returns, the target is as it was before; a process that ends earlier leaves at most a hidden
/// directory beside the target, which [#clearLeftovers] and the next import of the same target delete.
///
/// Concurrency: [#put] may be called from several threads, everything else from one.
public final class ExpertStoreWriter implements AutoCloseable {
    private final StagingDirectory staging;
    private final PosixCalls posix;
    private final List<SizeClass> sizeClasses = new ArrayList<>();
    /// What is known of each expert by its packed id; guarded by itself.
    private final Map<Integer, Block> blocks = new HashMap<>();

    private ExpertStoreWriter(StagingDirectory staging, PosixCalls posix) {
        this.staging = staging;
        this.posix = posix;
    }

    /// One map while it is written, and later the scan of its file.
    private record SizeClass(Path file, BlockLayout layout, int numExperts, ExpertMap map) {}

    /// An expert announced by its size class; the checksum follows with the bytes.
    private static final class Block {
        private final int sizeClass;
        private @Nullable Integer crc32c;
        private boolean taken;

        private Block(int sizeClass) {
            this.sizeClass = sizeClass;
        }
    }

    /// Prepares to write the store `target`, whose parent directories are made if need be.
    ///
    /// @throws ImportRunningException if another import of the target is running
    /// @throws IOException if the target exists and `replace` is false or it is no store, or if its parent
    ///     cannot be written to
    public static ExpertStoreWriter create(Path target, boolean replace) throws IOException {
        return create(target, replace, PosixCalls.ofPlatform());
    }

    static ExpertStoreWriter create(Path target, boolean replace, PosixCalls posix) throws IOException {
        ChroniclePosix.install(posix);
        return new ExpertStoreWriter(StagingDirectory.create(target, replace, posix), posix);
    }

    /// Waits until nobody is writing the store `target`; returns whether somebody was, and tells `onWait` first.
    ///
    /// @throws IOException if no store could be written there
    public static boolean awaitOthers(Path target, Runnable onWait) throws IOException, InterruptedException {
        return StagingDirectory.awaitOthers(target, onWait);
    }

    /// Deletes what killed processes left in `parent` of stores and other files that they were writing, whatever their
    /// names.
    public static Leftovers clearLeftovers(Path parent) {
        return StagingDirectory.clearAllLeftovers(parent).plus(UnfinishedFile.clear(parent));
    }

    /// Returns the directory that will be the store. The caller writes `dense.safetensors` and small files into it
    /// before [#publish]; there must be no directories in it.
    public Path directory() {
        return staging.path();
    }

    /// Checks that there is room for that many more bytes, as well as can be told beforehand.
    ///
    /// @throws IOException if there is not
    public void requireSpace(long bytes) throws IOException {
        DiskSpace.require(directory(), UnfinishedFile.folderOf(directory()), bytes);
    }

    /// Returns the free space that a store needs to be written, which is more than it takes in the end: Chronicle
    /// refuses a disk that its file would fill by more than ten elevenths.
    ///
    /// @param otherBytes of the files that are written first
    /// @param expertFileBytes of the files of experts in their order, as [#fileBytes] returns them
    public static long requiredSpace(long otherBytes, long... expertFileBytes) {
        long written = otherBytes;
        long most = otherBytes;
        for (long bytes : expertFileBytes) {
            most = Math.max(most, written + bytes + bytes / 10);
            written += bytes;
        }
        return most;
    }

    /// Returns the bytes of file that `numExperts` blocks of a layout take.
    public static long fileBytes(BlockLayout layout, int numExperts) {
        return Math.multiplyExact(ExpertMap.chunkBytes(layout.blockBytes()), (long) numExperts);
    }

    /// Makes the file for the experts of one layout, reserves its space on disk, and returns the index of the class.
    ///
    /// @throws IOException if the disk has no room for it
    /// @throws IllegalArgumentException if the list is empty, a block too large or an expert announced before
    public int addSizeClass(BlockLayout layout, List<ExpertId> experts) throws IOException {
        int index = sizeClasses.size();
        if (experts.isEmpty() || layout.parts().isEmpty()) {
            throw new IllegalArgumentException("size class " + index + " has no experts or no parts");
        }
        ExpertMap.requireBlock(layout.blockBytes());
        synchronized (blocks) {
            for (ExpertId id : experts) {
                if (blocks.putIfAbsent(id.pack(), new Block(index)) != null) {
                    throw new IllegalArgumentException(id + " was announced before");
                }
            }
        }
        long fileBytes = fileBytes(layout, experts.size());
        requireSpace(requiredSpace(0, fileBytes));
        Path file = directory().resolve(StoreManifest.expertFileName(index));
        ExpertMap map;
        try {
            map = ExpertMap.open(file, layout.blockBytes(), experts.size(), posix);
        } catch (IOException e) {
            throw new IOException(
                    file + ": " + ByteSize.format(fileBytes) + " could not be reserved on disk: " + IoFailure.reason(e),
                    e);
        }
        sizeClasses.add(new SizeClass(file, layout, experts.size(), map));
        return index;
    }

    /// Writes the block of an expert, once.
    ///
    /// @param block at least the layout's `blockBytes` of heap or anonymous memory, never of a mapped file
    /// @throws IOException if the disk fails
    /// @throws IllegalArgumentException if the expert was not announced or the memory does not fit
    public void put(ExpertId id, MemorySegment block) throws IOException {
        SizeClass sizeClass = sizeClasses.get(take(id).sizeClass);
        long bytes = sizeClass.layout().blockBytes();
        if (block.byteSize() < bytes || block.isMapped()) {
            throw new IllegalArgumentException(
                    id + " needs " + bytes + " bytes of memory that is not mapped, but got " + block);
        }
        MemorySegment payload = block.asSlice(0, bytes);
        int crc32c = Checksums.of(payload);
        sizeClass.map().put(id.pack(), payload);
        synchronized (blocks) {
            Objects.requireNonNull(blocks.get(id.pack())).crc32c = crc32c;
        }
    }

    /// Checks that every map finds its experts, makes all that was written durable, and gives it the target's name,
    /// atomically even when that replaces another store.
    ///
    /// The blocks are not read back: whoever reads one compares it with the checksum that was taken before it was
    /// written.
    ///
    /// @param description what to say of the model in the manifest, as plain JSON values
    /// @throws IOException if the disk fails
    /// @throws IllegalStateException if an announced expert is missing
    public void publish(Map<String, Object> description) throws IOException {
        requireComplete();
        for (Path file : otherFiles()) {
            WriteBack.start(file, posix); // while the maps are looked through
        }
        List<StoreManifest.StoreFile> files = new ArrayList<>();
        List<StoreManifest.Entry> entries = new ArrayList<>();
        for (int i = 0; i < sizeClasses.size(); i++) {
            sizeClasses.get(i).map().close();
            List<StoreManifest.Entry> blocksOfClass = locate(i);
            entries.addAll(blocksOfClass);
            files.add(fileOf(sizeClasses.get(i), blocksOfClass));
        }
        for (Path file : otherFiles()) {
            files.add(new StoreManifest.StoreFile(
                    file.getFileName().toString(), Files.size(file), ExpertFileScan.checksumOf(file, bytes -> {})));
        }
        files.sort(Comparator.comparing(StoreManifest.StoreFile::name));
        List<StoreManifest.SizeClass> classes = sizeClasses.stream()
                .map(c -> new StoreManifest.SizeClass(c.file().getFileName().toString(), c.layout()))
                .toList();
        Path manifest = directory().resolve(StoreManifest.FILE_NAME);
        for (StoreManifest.StoreFile file : files) {
            sync(directory().resolve(file.name()));
        }
        TextFile.write(manifest, StoreManifest.write(description, files, classes, entries));
        sync(manifest);
        StoreManifest.read(directory());
        PosixCalls.syncDirectory(directory());
        staging.publish();
    }

    /// Deletes what was written but not published, or the store that was replaced.
    @Override
    public void close() throws IOException {
        try (staging) {
            for (SizeClass sizeClass : sizeClasses) {
                sizeClass.map().close();
            }
        }
    }

    private Block take(ExpertId id) {
        synchronized (blocks) {
            Block block = blocks.get(id.pack());
            if (block == null || block.taken) {
                throw new IllegalArgumentException(id + (block == null ? " was not announced" : " was put before"));
            }
            block.taken = true;
            return block;
        }
    }

    private void requireComplete() {
        synchronized (blocks) {
            blocks.forEach((id, block) -> {
                if (block.crc32c == null) {
                    throw new IllegalStateException(ExpertId.unpack(id) + " was announced but never put");
                }
            });
        }
    }

    /// Opens the finished map once more and asks it for every expert of the class.
    private List<StoreManifest.Entry> locate(int index) throws IOException {
        SizeClass sizeClass = sizeClasses.get(index);
        long blockBytes = sizeClass.layout().blockBytes();
        List<StoreManifest.Entry> entries = new ArrayList<>();
        try (ExpertMap map = ExpertMap.open(sizeClass.file(), blockBytes, sizeClass.numExperts(), posix)) {
            synchronized (blocks) {
                for (Map.Entry<Integer, Block> block : blocks.entrySet()) {
                    Integer crc32c = block.getValue().crc32c;
                    if (block.getValue().sizeClass == index && crc32c != null) {
                        entries.add(new StoreManifest.Entry(
                                ExpertId.unpack(block.getKey()),
                                index,
                                map.offsetOf(block.getKey(), blockBytes),
                                crc32c));
                    }
                }
            }
        }
        entries.sort(Comparator.comparingLong(StoreManifest.Entry::offset));
        return entries;
    }

    private static StoreManifest.StoreFile fileOf(SizeClass sizeClass, List<StoreManifest.Entry> entries)
            throws IOException {
        Path file = sizeClass.file();
        long[] offsets = entries.stream().mapToLong(StoreManifest.Entry::offset).toArray();
        int frame =
                ExpertFileScan.frameChecksumOf(file, offsets, sizeClass.layout().blockBytes());
        return new StoreManifest.StoreFile(file.getFileName().toString(), Files.size(file), frame);
    }

    private List<Path> otherFiles() throws IOException {
        List<Path> expertFiles = sizeClasses.stream().map(SizeClass::file).toList();
        try (Stream<Path> files = Files.list(directory())) {
            List<Path> others =
                    files.filter(file -> !expertFiles.contains(file)).sorted().toList();
            for (Path file : others) {
                String name = file.getFileName().toString();
                if (!Files.isRegularFile(file)
                        || name.equals(StoreManifest.FILE_NAME)
                        || name.endsWith(StoreManifest.EXPERT_FILE_SUFFIX)) {
                    throw new IllegalStateException(file + " has no place in a store");
                }
            }
            return others;
        }
    }

    private static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }
}
