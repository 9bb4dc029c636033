package io.moetier.storage.expert;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.zip.CRC32C;

/// A published store, open for reading: every expert, slowly.
///
/// Opening reads the manifest and the small files and checks the length of the large ones. It writes nothing and needs
/// no permission to. Every byte that leaves the store has met its checksum: small files at [#open], dense weights in
/// [#loadDense], experts in [#read].
///
/// Concurrency: all methods may be called from several threads; no read may be under way at [#close].
public final class ExpertStore implements AutoCloseable {
    private static final int DENSE_CHUNK_BYTES = 8 << 20;
    private static final int NO_EXPERT = -1;

    private final Path directory;
    private final StoreManifest manifest;
    private final JsonObject config;
    private final BlockReader reader;
    private final List<BlockLayout> layouts;
    private final List<Path> expertFiles;
    private final List<ExpertId> experts;
    /// `[layer][expert]` to the index of the next list.
    private final int[][] indexOf;

    private final List<LocatedBlock> blocks;
    private final RepeatedReads repeatedReads = new RepeatedReads();

    private ExpertStore(Path directory, StoreManifest manifest, IoMode mode, LongSupplier nanoTime) throws IOException {
        this.directory = directory;
        this.manifest = manifest;
        this.config = manifest.file("config.json").isPresent()
                ? Json.readObject(directory.resolve("config.json"))
                : Json.parseObject(new byte[] {'{', '}'}, directory.resolve("config.json"));
        layouts = manifest.sizeClasses().stream()
                .map(StoreManifest.SizeClass::layout)
                .toList();
        expertFiles = manifest.sizeClasses().stream()
                .map(sizeClass -> directory.resolve(sizeClass.file()))
                .toList();
        List<StoreManifest.Entry> entries = manifest.experts();
        experts = entries.stream().map(StoreManifest.Entry::id).toList();
        indexOf = index(experts);
        blocks = entries.stream().map(this::locate).toList();
        reader = openReader(mode, nanoTime);
    }

    /// Opens the store in `directory`.
    ///
    /// @throws MalformedModelException if there is none, a file is missing or has another length, or a small
    ///     file is damaged
    public static ExpertStore open(Path directory, IoMode mode) {
        return open(directory, mode, System::nanoTime);
    }

    static ExpertStore open(Path requested, IoMode mode, LongSupplier nanoTime) {
        try {
            Path directory = StagingDirectory.resolve(requested);
            if (!Files.isDirectory(directory)) {
                throw new MalformedModelException(
                        requested + (Files.exists(directory) ? ": is not an expert store" : ": no such store"));
            }
            StoreManifest manifest = StoreManifest.read(directory);
            for (StoreManifest.StoreFile file : manifest.files()) {
                requireIntact(directory.resolve(file.name()), file);
            }
            return new ExpertStore(directory, manifest, mode, nanoTime);
        } catch (IOException e) {
            throw new MalformedModelException(requested + ": cannot be opened: " + IoFailure.sentence(e), e);
        }
    }

    /// Returns what [StoreManifest#fingerprint()] does.
    public Optional<String> fingerprint() {
        return manifest.fingerprint();
    }

    /// Returns all experts, by layer, then index.
    public Collection<ExpertId> experts() {
        return experts;
    }

    /// Returns the layout of each size class.
    public List<BlockLayout> layouts() {
        return layouts;
    }

    /// Returns the layout of an expert's block.
    ///
    /// @throws IllegalArgumentException if the store has no such expert
    public BlockLayout layout(int packedId) {
        return layouts.get(sizeClassOf(packedId));
    }

    /// Returns the index of an expert's size class in [#layouts].
    ///
    /// @throws IllegalArgumentException if the store has no such expert
    public int sizeClassOf(int packedId) {
        return find(packedId).fileIndex();
    }

    /// Fills `destination` with the block of an expert and checks it. A read that fails is tried once more.
    ///
    /// @param destination at least the layout's `slotBytes` of anonymous memory that starts on a page; what
    ///     follows the block in it is unspecified afterwards
    /// @throws io.moetier.storage.model.DamagedBlockException if its checksum is wrong
    /// @throws MalformedModelException if the block cannot be read
    /// @throws IllegalArgumentException if the store has no such expert or the memory does not fit
    public void read(int packedId, MemorySegment destination) {
        find(packedId).read(reader, repeatedReads, destination);
    }

    /// Returns how many reads failed once and were right when they were repeated.
    public int repeatedReads() {
        return repeatedReads.count();
    }

    /// Says whether blocks never come into the page cache.
    public boolean readsPastCache() {
        return reader.isPastCache();
    }

    /// Returns how blocks are read, and why.
    public String ioDescription() {
        return reader.description();
    }

    /// Reads the whole file of non-expert weights into memory of `arena` that starts on a page.
    ///
    /// @throws MalformedModelException if the store has no such file, it cannot be read or its checksum is wrong
    public MemorySegment loadDense(Arena arena) {
        Path path = denseFile();
        StoreManifest.StoreFile entry = denseEntry();
        MemorySegment dense = AnonymousMemory.allocate(entry.bytes(), arena);
        CRC32C crc = new CRC32C();
        try (ReopeningFile file = ReopeningFile.open(path)) {
            for (long at = 0; at < entry.bytes(); at += DENSE_CHUNK_BYTES) {
                MemorySegment chunk = dense.asSlice(at, Math.min(DENSE_CHUNK_BYTES, entry.bytes() - at));
                long position = at;
                repeatedReads.run(() -> file.readFully(position, chunk));
                Checksums.update(crc, chunk);
            }
        } catch (IOException e) {
            throw new MalformedModelException(path + ": cannot be read: " + IoFailure.reason(e), e);
        }
        if ((int) crc.getValue() != entry.crc32c()) {
            throw Checksums.damaged(path, entry.crc32c(), (int) crc.getValue());
        }
        return dense;
    }

    /// Returns the bytes that [#loadDense] takes.
    ///
    /// @throws MalformedModelException if the store has no such file
    public long denseBytes() {
        return denseEntry().bytes();
    }

    private StoreManifest.StoreFile denseEntry() {
        return manifest.file(StoreManifest.DENSE_FILE_NAME)
                .orElseThrow(() -> new MalformedModelException(denseFile() + ": not in the store's manifest"));
    }

    /// Returns the file of non-expert weights, for naming it in errors; its bytes come from [#loadDense].
    public Path denseFile() {
        return directory.resolve(StoreManifest.DENSE_FILE_NAME);
    }

    /// Returns the model's config.json, an empty object if the store has none.
    public JsonObject config() {
        return config;
    }

    /// Returns a small file of the store, whose checksum was right at [#open].
    public Optional<Path> file(String name) {
        return manifest.file(name).map(file -> directory.resolve(file.name()));
    }

    public StoreManifest manifest() {
        return manifest;
    }

    @Override
    public void close() {
        try {
            reader.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private LocatedBlock locate(StoreManifest.Entry entry) {
        int sizeClass = entry.sizeClass();
        return new LocatedBlock(
                entry.id(),
                expertFiles.get(sizeClass),
                sizeClass,
                entry.offset(),
                layouts.get(sizeClass),
                entry.crc32c());
    }

    private LocatedBlock find(int packedId) {
        int layer = ExpertId.layerOf(packedId);
        int expert = ExpertId.expertOf(packedId);
        if (layer < indexOf.length && expert < indexOf[layer].length && indexOf[layer][expert] != NO_EXPERT) {
            return blocks.get(indexOf[layer][expert]);
        }
        throw new IllegalArgumentException("the store has no layer " + layer + " expert " + expert);
    }

    private static int[][] index(List<ExpertId> experts) {
        int numLayers = experts.isEmpty() ? 0 : experts.getLast().layer() + 1;
        int[] lengths = new int[numLayers];
        for (ExpertId id : experts) {
            lengths[id.layer()] = Math.max(lengths[id.layer()], id.expert() + 1);
        }
        int[][] index = new int[numLayers][];
        for (int layer = 0; layer < numLayers; layer++) {
            index[layer] = new int[lengths[layer]];
            Arrays.fill(index[layer], NO_EXPERT);
        }
        for (int i = 0; i < experts.size(); i++) {
            index[experts.get(i).layer()][experts.get(i).expert()] = i;
        }
        return index;
    }

    private static void requireIntact(Path path, StoreManifest.StoreFile expected) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new MalformedModelException(path + ": missing");
        }
        if (Files.size(path) != expected.bytes()) {
            throw MalformedModelException.of(path, "length", expected.bytes() + " bytes", Files.size(path));
        }
        if (!expected.holdsExperts() && !expected.name().equals(StoreManifest.DENSE_FILE_NAME)) {
            int found = Checksums.of(Files.readAllBytes(path));
            if (found != expected.crc32c()) {
                throw Checksums.damaged(path, expected.crc32c(), found);
            }
        }
    }

    private BlockReader openReader(IoMode mode, LongSupplier nanoTime) throws IOException {
        return switch (mode) {
            case MAPPED -> MappedReader.open(expertFiles);
            case PREAD -> ChannelReader.open(expertFiles);
            case DIRECT -> ChannelReader.openPastCache(expertFiles, "");
            case AUTO -> openAuto(nanoTime);
        };
    }

    private BlockReader openAuto(LongSupplier nanoTime) throws IOException {
        long bytes = 0;
        for (StoreManifest.StoreFile file : manifest.files()) {
            bytes += file.bytes();
        }
        MemoryLimit limit = AvailableMemory.tightest();
        if (IoMode.AUTO.isPastCache(bytes, limit.availableBytes())) {
            String why = "auto: " + ByteSize.format(bytes) + " of weights do not fit into the " + limit.left();
            return ChannelReader.openPastCache(expertFiles, " (" + why + ")");
        }
        return AutoReader.open(
                expertFiles,
                IoMode.AUTO.isCached(bytes, limit.availableBytes()),
                AvailableMemory.addressSpace().isPresent(),
                nanoTime);
    }
}
