package io.moetier.storage.expert;

import io.moetier.storage.file.NameLock;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Some experts of a model on this machine's disk, which come one by one: what a node of a cluster keeps.
///
/// Which experts the model has, and what their bytes must be, is told by the manifest of a whole store elsewhere. The
/// blocks lie in *extents*, Chronicle Map files of a few hundred megabytes that are made as they are needed, so that a
/// disk that is full is met when a file is made and not in the middle of a block. A journal tells of each block
/// where it is.
///
/// *When a block is there.* Its checksum is compared with the manifest's; it is written to an extent; the extent is
/// synced; the journal's record is appended, and synced. Killed before the last step, the process leaves bytes that
/// nobody knows of. What is opened again drops records without a file or whose checksum the manifest does not have, and
/// deletes extents that no record tells of. A block that turns out to be damaged when it is read is no longer there.
///
/// *Extents of former processes* are not written to any more. The blocks of one that is not full move to a new extent
/// when that is made, and the file goes.
///
/// Concurrency: all methods may be called from several threads; blocks are put one after another, and read meanwhile.
/// The
/// folder has one owner at a time.
public final class PartialStore implements AutoCloseable {
    private static final long EXTENT_BYTES = 256L << 20;
    private static final int LEAST_BLOCKS = 4;
    private static final int MOST_BLOCKS = 1024;

    private final Path directory;
    private final StoreManifest manifest;
    private final NameLock lock;
    private final LongSupplier freeBytes;
    private final PosixCalls posix = PosixCalls.ofPlatform();
    private final RepeatedReads repeatedReads = new RepeatedReads();
    private final Map<Integer, StoreManifest.Entry> entries = new HashMap<>();
    private final Map<Integer, Place> places = new ConcurrentHashMap<>();
    /// Held to read while a block is read, to write while a file is closed.
    private final ReadWriteLock files = new ReentrantReadWriteLock();
    /// Guarded by this, as are the next three.
    private final Map<Integer, PartialExtent> extents = new HashMap<>();
    /// The extents that blocks of a size class are written to, by the class.
    private final Map<Integer, PartialExtent> open = new HashMap<>();

    private final PartialJournal journal;
    private int nextExtent;

    private PartialStore(Path directory, StoreManifest manifest, NameLock lock, LongSupplier freeBytes)
            throws IOException {
        this.directory = directory;
        this.manifest = manifest;
        this.lock = lock;
        this.freeBytes = freeBytes;
        manifest.experts().forEach(entry -> entries.put(entry.id().pack(), entry));
        UnfinishedFile.clear(directory);
        Path file = directory.resolve(PartialJournal.FILE_NAME);
        Map<Integer, PartialJournal.Line> found = live(PartialJournal.read(file));
        journal = PartialJournal.replace(file, found.values());
        try {
            clearExtents(found);
            reopen(found);
        } catch (IOException | RuntimeException e) {
            closeFiles();
            throw e;
        }
    }

    /// Where a block is.
    private record Place(PartialExtent extent, LocatedBlock block) {}

    /// Opens what `folder` has of a model, in a directory that is called by the digest of its experts.
    ///
    /// @throws MalformedModelException if its experts cannot be held
    /// @throws IOException if the folder cannot be used or another process uses it
    public static PartialStore open(Path folder, StoreManifest manifest) throws IOException {
        return open(folder, manifest, () -> folder.toFile().getUsableSpace());
    }

    /// @param freeBytes of the disk
    static PartialStore open(Path folder, StoreManifest manifest, LongSupplier freeBytes) throws IOException {
        String digest = manifest.expertsDigest();
        requireBlocks(manifest);
        ChroniclePosix.install(PosixCalls.ofPlatform());
        Path directory;
        NameLock lock;
        try {
            Files.createDirectories(folder.resolve(digest));
            directory = folder.toRealPath().resolve(digest);
            lock = NameLock.acquire(directory.resolveSibling("." + digest + ".lock"))
                    .orElseThrow(() -> new IOException("another node holds experts there"));
        } catch (IOException e) {
            throw new IOException(folder + ": no experts can be kept there: " + IoFailure.reason(e), e);
        }
        try {
            return new PartialStore(directory, manifest, lock, freeBytes);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /// Returns what says which experts there are.
    public StoreManifest manifest() {
        return manifest;
    }

    /// Returns the packed ids of the experts that are there, ascending.
    public int[] ids() {
        return places.keySet().stream().mapToInt(id -> id).sorted().toArray();
    }

    /// Says whether an expert is there.
    public boolean has(int packedId) {
        return places.containsKey(packedId);
    }

    /// Fills `destination` with the block of an expert that is there, and checks it. One that is damaged, or cannot be
    /// read, is there no longer: it can come anew, to another place of the disk. A limit of open files takes none
    /// away.
    ///
    /// @param destination as [ExpertStore#read] wants it
    /// @throws AbsentExpertException if the expert is not there
    /// @throws MalformedModelException if the block cannot be read or its checksum is wrong
    public void read(int packedId, MemorySegment destination) {
        Place place;
        @Nullable MalformedModelException damage;
        files.readLock().lock();
        try {
            place = find(packedId);
            damage = damage(place, destination);
        } finally {
            files.readLock().unlock();
        }
        if (damage != null) {
            if (!IoFailure.isForWantOfFiles(damage)) {
                forget(packedId, place);
            }
            throw damage;
        }
    }

    /// Keeps the block of an expert; does nothing if it is there.
    ///
    /// @param block at least the layout's `blockBytes` of heap or anonymous memory
    /// @throws MalformedModelException if it is not the expert's block
    /// @throws IllegalArgumentException if the model has no such expert or the memory does not fit
    /// @throws IOException if the disk is full or fails; what is there stays
    public void put(int packedId, MemorySegment block) throws IOException {
        StoreManifest.Entry entry = entries.get(packedId);
        if (entry == null) {
            throw new IllegalArgumentException("the model has no " + ExpertId.unpack(packedId));
        }
        long bytes = layout(entry).blockBytes();
        if (block.byteSize() < bytes || block.isMapped()) {
            throw new IllegalArgumentException(
                    entry.id() + " needs " + bytes + " bytes of memory that is not mapped, but got " + block);
        }
        MemorySegment payload = block.asSlice(0, bytes);
        int found = Checksums.of(payload);
        if (found != entry.crc32c()) {
            throw new MalformedModelException(entry.id() + ": " + Checksums.mismatch(entry.crc32c(), found));
        }
        synchronized (this) {
            if (!has(packedId)) {
                write(extentFor(entry.sizeClass()), entry, payload);
            }
        }
    }

    @Override
    public void close() throws IOException {
        try (lock) {
            closeFiles();
        }
    }

    private Place find(int packedId) {
        Place place = places.get(packedId);
        if (place == null) {
            throw new AbsentExpertException(ExpertId.unpack(packedId) + " is not on this disk (" + directory + ")");
        }
        return place;
    }

    /// Reads a block, and returns what is wrong with it, if anything.
    private @Nullable MalformedModelException damage(Place place, MemorySegment destination) {
        try {
            place.block().read(place.extent().reader(), repeatedReads, destination);
            return null;
        } catch (MalformedModelException e) {
            return e;
        }
    }

    private static void requireBlocks(StoreManifest manifest) {
        try {
            for (StoreManifest.SizeClass sizeClass : manifest.sizeClasses()) {
                if (sizeClass.layout().parts().isEmpty()) {
                    throw new IllegalArgumentException("a size class has no parts");
                }
                ExpertMap.requireBlock(sizeClass.layout().blockBytes());
            }
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new MalformedModelException("the model's experts cannot be kept: " + e.getMessage(), e);
        }
    }

    private BlockLayout layout(StoreManifest.Entry entry) {
        return manifest.sizeClasses().get(entry.sizeClass()).layout();
    }

    /// Returns the newest records of experts whose blocks are what the manifest says and may be in their files.
    private Map<Integer, PartialJournal.Line> live(List<PartialJournal.Line> records) throws IOException {
        Map<Integer, PartialJournal.Line> newest = new LinkedHashMap<>();
        for (PartialJournal.Line record : records) {
            newest.put(record.id(), record);
        }
        Map<Integer, PartialJournal.Line> live = new LinkedHashMap<>();
        for (PartialJournal.Line record : newest.values()) {
            if (isLive(record)) {
                live.put(record.id(), record);
            }
        }
        return live;
    }

    private boolean isLive(PartialJournal.Line record) throws IOException {
        StoreManifest.Entry entry = entries.get(record.id());
        if (entry == null
                || record.extent() < 0
                || record.crc32c() != entry.crc32c()
                || record.blockBytes() != layout(entry).blockBytes()) {
            return false;
        }
        Path file = directory.resolve(PartialExtent.fileName(record.extent()));
        return Files.isRegularFile(file) && record.offset() + layout(entry).slotBytes() <= Files.size(file);
    }

    /// Deletes the extents that no record tells of.
    private void clearExtents(Map<Integer, PartialJournal.Line> found) throws IOException {
        Set<String> used = new HashSet<>();
        found.values().forEach(record -> used.add(PartialExtent.fileName(record.extent())));
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, "*" + StoreManifest.EXPERT_FILE_SUFFIX)) {
            for (Path file : all) {
                if (!used.contains(String.valueOf(file.getFileName()))) {
                    Files.delete(file);
                }
            }
        }
    }

    private void reopen(Map<Integer, PartialJournal.Line> found) throws IOException {
        for (PartialJournal.Line record : found.values()) {
            PartialExtent extent = extents.get(record.extent());
            if (extent == null) {
                extent = PartialExtent.reopen(directory, record.extent(), record.blockBytes());
                extents.put(record.extent(), extent);
            }
            nextExtent = Math.max(nextExtent, record.extent() + 1);
            places.put(record.id(), place(extent, Objects.requireNonNull(entries.get(record.id())), record.offset()));
        }
    }

    private Place place(PartialExtent extent, StoreManifest.Entry entry, long offset) {
        return new Place(extent, new LocatedBlock(entry.id(), extent.file(), 0, offset, layout(entry), entry.crc32c()));
    }

    private void write(PartialExtent extent, StoreManifest.Entry entry, MemorySegment payload) throws IOException {
        int id = entry.id().pack();
        long offset;
        try {
            offset = extent.put(id, payload);
        } catch (IOException | RuntimeException e) {
            extent.seal(); // a map that has failed once is not to be relied on
            throw e;
        }
        journal.append(new PartialJournal.Line(id, extent.number(), offset, payload.byteSize(), entry.crc32c()));
        places.put(id, place(extent, entry, offset));
    }

    private PartialExtent extentFor(int sizeClass) throws IOException {
        PartialExtent current = open.get(sizeClass);
        if (current != null && current.room() > 0) {
            return current;
        }
        if (current != null) {
            current.seal();
        }
        long blockBytes = manifest.sizeClasses().get(sizeClass).layout().blockBytes();
        Map<PartialExtent, List<Integer>> abandoned = abandoned(blockBytes);
        int moving = abandoned.values().stream().mapToInt(List::size).sum();
        PartialExtent next = newExtent(blockBytes, numLacking(sizeClass) + moving);
        open.put(sizeClass, next);
        extents.put(next.number(), next);
        for (Map.Entry<PartialExtent, List<Integer>> extent : abandoned.entrySet()) {
            if (extent.getValue().size() < next.room()) {
                move(extent.getKey(), extent.getValue(), next);
            }
        }
        return next;
    }

    /// Makes an extent for `wanted` blocks, or as many as the disk has room for and are worth a file.
    private PartialExtent newExtent(long blockBytes, long wanted) throws IOException {
        long chunkBytes = ExpertMap.chunkBytes(blockBytes);
        int capacity = (int) Math.min(wanted, Math.clamp(EXTENT_BYTES / chunkBytes, LEAST_BLOCKS, MOST_BLOCKS));
        long free = freeBytes.getAsLong();
        while (capacity > 1 && ExpertStoreWriter.requiredSpace(0, capacity * chunkBytes) > free) {
            capacity--;
        }
        DiskSpace.requireFree(directory, ExpertStoreWriter.requiredSpace(0, capacity * chunkBytes), free);
        return PartialExtent.create(directory, nextExtent++, blockBytes, capacity, posix);
    }

    private long numLacking(int sizeClass) {
        return manifest.experts().stream()
                .filter(entry ->
                        entry.sizeClass() == sizeClass && !has(entry.id().pack()))
                .count();
    }

    /// Returns the extents that take no more blocks, and of which a quarter is empty, with what is in them.
    private Map<PartialExtent, List<Integer>> abandoned(long blockBytes) {
        Map<PartialExtent, List<Integer>> sealed = new LinkedHashMap<>();
        for (PartialExtent extent : extents.values()) {
            if (extent.room() == 0 && extent.blockBytes() == blockBytes) {
                sealed.put(extent, new ArrayList<>());
            }
        }
        places.forEach((id, place) -> {
            List<Integer> ids = sealed.get(place.extent());
            if (ids != null) {
                ids.add(id);
            }
        });
        sealed.entrySet()
                .removeIf(extent ->
                        4L * extent.getValue().size() > 3L * extent.getKey().capacity());
        return sealed;
    }

    private void move(PartialExtent from, List<Integer> ids, PartialExtent to) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slot = AnonymousMemory.allocate(BlockLayout.slotBytes(from.blockBytes()), arena);
            for (int id : ids) {
                Objects.requireNonNull(places.get(id)).block().read(from.reader(), repeatedReads, slot);
                write(to, Objects.requireNonNull(entries.get(id)), slot.asSlice(0, from.blockBytes()));
            }
        } catch (MalformedModelException e) {
            return; // stays where it is; whoever reads the block learns that it is damaged
        }
        remove(from);
    }

    private void remove(PartialExtent extent) throws IOException {
        files.writeLock().lock();
        try {
            extents.remove(extent.number());
            extent.close();
        } finally {
            files.writeLock().unlock();
        }
        Files.deleteIfExists(extent.file());
    }

    private synchronized void forget(int id, Place damaged) {
        if (places.remove(id, damaged)) {
            try {
                journal.append(new PartialJournal.Line(id, PartialJournal.Line.GONE, 0, 0, 0));
            } catch (IOException e) {
                // it is found again by the next process, and found damaged again
            }
        }
    }

    private synchronized void closeFiles() throws IOException {
        files.writeLock().lock();
        try (journal) {
            places.clear();
            for (PartialExtent extent : extents.values()) {
                extent.close();
            }
        } finally {
            files.writeLock().unlock();
        }
    }
}
