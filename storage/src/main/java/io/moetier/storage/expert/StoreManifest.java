package io.moetier.storage.expert;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// `manifest.json`: which files a store consists of, where each expert lies in them, and a checksum for every byte,
/// those of the manifest itself included.
///
/// @param description what the importer said of the model: source, fingerprint, quantisation, …
/// @param files       every file of the store but the manifest
/// @param sizeClasses the expert files and their layouts; an expert names its size class by index
/// @param experts     all experts, by layer, then index
public record StoreManifest(
        JsonObject description, List<StoreFile> files, List<SizeClass> sizeClasses, List<Entry> experts) {
    static final String FILE_NAME = "manifest.json";
    /// Name of the file of non-expert weights.
    public static final String DENSE_FILE_NAME = "dense.safetensors";
    static final String EXPERT_FILE_SUFFIX = ".cm3";

    private static final int DIGEST_BYTES = 16;
    private static final String FORMAT = "moetier-store";
    private static final int VERSION = 3;
    private static final String CHECKSUM_KEY = "manifestCrc32c";
    /// What the checksum's own eight digits count as.
    private static final String BLANK_CHECKSUM = "00000000";

    public StoreManifest {
        files = List.copyOf(files);
        sizeClasses = List.copyOf(sizeClasses);
        experts = List.copyOf(experts);
    }

    /// A file of the store. The checksum of an expert file covers what lies outside its blocks, for those have their
    /// own.
    public record StoreFile(String name, long bytes, int crc32c) {
        boolean holdsExperts() {
            return name.endsWith(EXPERT_FILE_SUFFIX);
        }
    }

    /// The experts of one layout and the file that holds them.
    public record SizeClass(String file, BlockLayout layout) {}

    /// Where the block of an expert starts in the file of its size class, and the checksum of its payload.
    public record Entry(ExpertId id, int sizeClass, long offset, int crc32c) {}

    /// Returns what tells the store's model from others, if its importer said it: a word that can be a file's name.
    ///
    /// @throws MalformedModelException if it is something else
    public Optional<String> fingerprint() {
        Optional<String> fingerprint = description.optionalString("fingerprint");
        if (fingerprint.isPresent() && !fingerprint.get().matches("[A-Za-z0-9][A-Za-z0-9_-]{0,127}")) {
            throw description.unexpected("fingerprint", "a word", fingerprint.get());
        }
        return fingerprint;
    }

    /// Returns a digest of all experts, by their ids, layouts and checksums: a word that can be a file's name.
    /// It is the same wherever a model has been imported, and another one for every other model.
    public String expertsDigest() {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        for (Entry entry : experts) {
            BlockLayout layout = sizeClasses.get(entry.sizeClass()).layout();
            digest.update(
                    (entry.id().pack() + " " + entry.crc32c() + " " + layout + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return HexFormat.of().formatHex(digest.digest(), 0, DIGEST_BYTES);
    }

    /// Returns the bytes of one expert's slot in each layer that has some, the layers ascending.
    public SortedMap<Integer, Long> slotBytesOfLayer() {
        SortedMap<Integer, Long> bytes = new TreeMap<>();
        for (Entry entry : experts) {
            bytes.put(
                    entry.id().layer(),
                    sizeClasses.get(entry.sizeClass()).layout().slotBytes());
        }
        return bytes;
    }

    /// Returns the bytes of the weights outside the experts.
    public long denseBytes() {
        return file(DENSE_FILE_NAME).map(StoreFile::bytes).orElse(0L);
    }

    /// Returns the bytes of all files but the manifest.
    public long totalBytes() {
        return files.stream().mapToLong(StoreFile::bytes).reduce(0, Math::addExact);
    }

    /// Returns the entry of the file called `name`.
    public Optional<StoreFile> file(String name) {
        return files.stream().filter(file -> file.name().equals(name)).findFirst();
    }

    static String expertFileName(int sizeClass) {
        return "experts-" + sizeClass + EXPERT_FILE_SUFFIX;
    }

    /// Returns the experts of one size class in the order of their blocks.
    List<Entry> blocksOf(int sizeClass) {
        return experts.stream()
                .filter(entry -> entry.sizeClass() == sizeClass)
                .sorted(Comparator.comparingLong(Entry::offset))
                .toList();
    }

    /// Reads the manifest of the store that [ExpertStore#open] opens; checks its checksum and that its parts agree.
    ///
    /// @throws MalformedModelException if there is none or it is damaged
    public static StoreManifest read(Path directory) {
        Path file = directory.resolve(FILE_NAME);
        byte[] bytes;
        try {
            file = StagingDirectory.resolve(directory).resolve(FILE_NAME);
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(directory + " is not an expert store: it has no " + FILE_NAME, e);
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e);
        }
        return parse(bytes, file);
    }

    /// Reads what [#bytes()] or a store's file says, which may come from another machine.
    ///
    /// @param file what to call it in messages
    /// @throws MalformedModelException if it is damaged or something else
    public static StoreManifest parse(byte[] bytes, Path file) {
        requireChecksum(file, bytes);
        JsonObject json = Json.parseObject(bytes, file);
        if (!json.requireString("format").equals(FORMAT)) {
            throw json.unexpected("format", FORMAT, json.requireString("format"));
        }
        if (json.requireInt("version") != VERSION) {
            throw json.unexpected("version", VERSION + "; import the model again", json.requireInt("version"));
        }
        try {
            StoreManifest manifest = new StoreManifest(
                    json.requireObject("description"), readFiles(json), readSizeClasses(json), readExperts(json));
            manifest.requireConsistent(json);
            return manifest;
        } catch (IllegalArgumentException e) {
            throw new MalformedModelException(file + ": " + e.getMessage(), e);
        } catch (ArithmeticException e) {
            throw new MalformedModelException(file + ": expected sizes whose sums fit 64 bits", e);
        }
    }

    /// Returns the bytes of a file that says all this.
    public byte[] bytes() {
        return write(description.asMap(), files, sizeClasses, experts);
    }

    /// Returns the bytes of the manifest that says all this.
    static byte[] write(
            Map<String, ? extends @Nullable Object> description,
            List<StoreFile> files,
            List<SizeClass> sizeClasses,
            List<Entry> experts) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("format", FORMAT);
        json.put("version", VERSION);
        json.put("description", description);
        json.put("files", files.stream().map(StoreManifest::toJson).toList());
        json.put("sizeClasses", sizeClasses.stream().map(StoreManifest::toJson).toList());
        json.put("layers", layersToJson(experts));
        json.put(CHECKSUM_KEY, BLANK_CHECKSUM);
        String blank = Json.writePretty(json) + "\n";
        int at = blank.lastIndexOf(BLANK_CHECKSUM);
        String checksum = Checksums.hex(Checksums.of(blank.getBytes(StandardCharsets.UTF_8)));
        return (blank.substring(0, at) + checksum + blank.substring(at + BLANK_CHECKSUM.length()))
                .getBytes(StandardCharsets.UTF_8);
    }

    private static void requireChecksum(Path file, byte[] bytes) {
        // one char per byte, so that positions are byte positions
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int key = text.lastIndexOf(CHECKSUM_KEY);
        int at = key < 0 ? -1 : text.indexOf('"', text.indexOf(':', key)) + 1;
        if (at <= 0 || at + BLANK_CHECKSUM.length() > bytes.length) {
            throw new MalformedModelException(file + ": is not the manifest of an expert store, or is cut short");
        }
        // compared as text: as a number, a digit whose case bit flipped would pass
        String expected = text.substring(at, at + BLANK_CHECKSUM.length());
        byte[] blank = bytes.clone();
        System.arraycopy(BLANK_CHECKSUM.getBytes(StandardCharsets.US_ASCII), 0, blank, at, BLANK_CHECKSUM.length());
        String found = Checksums.hex(Checksums.of(blank));
        if (!found.equals(expected)) {
            throw new MalformedModelException(file + ": checksum expected " + expected + ", found " + found);
        }
    }

    private void requireConsistent(JsonObject json) {
        Set<String> names = new HashSet<>();
        for (StoreFile file : files) {
            if (!isPlainName(file.name()) || !names.add(file.name()) || file.bytes() < 0) {
                throw json.unexpected("files", "plain names, each once", file.name());
            }
        }
        totalBytes(); // fails if they do not fit 64 bits
        Set<ExpertId> ids = new HashSet<>();
        for (Entry entry : experts) {
            if (!ids.add(entry.id()) || entry.sizeClass() < 0 || entry.sizeClass() >= sizeClasses.size()) {
                throw json.unexpected("layers", "each expert once, in a size class", entry.id());
            }
        }
        for (int index = 0; index < sizeClasses.size(); index++) {
            requireBlocksInside(json, index);
        }
    }

    private void requireBlocksInside(JsonObject json, int index) {
        SizeClass sizeClass = sizeClasses.get(index);
        StoreFile file = file(sizeClass.file())
                .filter(StoreFile::holdsExperts)
                .orElseThrow(() -> json.unexpected("sizeClasses", "a listed expert file", sizeClass.file()));
        long end = 0;
        for (Entry entry : blocksOf(index)) {
            if (entry.offset() < end
                    || entry.offset() % BlockLayout.PAGE_BYTES != 0
                    || entry.offset() > file.bytes() - sizeClass.layout().slotBytes()) {
                throw json.unexpected(
                        "layers",
                        "blocks apart from each other on pages of " + file.name(),
                        entry.id() + " at " + entry.offset());
            }
            end = entry.offset() + sizeClass.layout().slotBytes();
        }
    }

    private static boolean isPlainName(String name) {
        return !name.isEmpty()
                && !name.equals(".")
                && !name.equals("..")
                && !name.equals(FILE_NAME)
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == 0);
    }

    private static Map<String, Object> toJson(StoreFile file) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", file.name());
        json.put("bytes", file.bytes());
        json.put(file.holdsExperts() ? "frameCrc32c" : "crc32c", Checksums.hex(file.crc32c()));
        return json;
    }

    private static Map<String, Object> toJson(SizeClass sizeClass) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("file", sizeClass.file());
        json.put("blockBytes", sizeClass.layout().blockBytes());
        List<Map<String, Object>> parts = new ArrayList<>();
        for (BlockPart part : sizeClass.layout().parts()) {
            Map<String, Object> partJson = new LinkedHashMap<>();
            partJson.put("name", part.name());
            partJson.put("dtype", part.dtype().name());
            partJson.put("rows", part.rows());
            partJson.put("cols", part.cols());
            partJson.put("offset", part.offset());
            partJson.put("byteLength", part.byteLength());
            parts.add(partJson);
        }
        json.put("parts", parts);
        return json;
    }

    private static List<Map<String, Object>> layersToJson(List<Entry> experts) {
        Map<Integer, List<Entry>> layers = new TreeMap<>();
        for (Entry entry : experts) {
            layers.computeIfAbsent(entry.id().layer(), layer -> new ArrayList<>())
                    .add(entry);
        }
        List<Map<String, Object>> json = new ArrayList<>();
        layers.forEach((layer, entries) -> {
            entries.sort(Comparator.comparing(Entry::id));
            Map<String, Object> layerJson = new LinkedHashMap<>();
            layerJson.put("layer", layer);
            layerJson.put(
                    "experts",
                    entries.stream().map(entry -> entry.id().expert()).toList());
            layerJson.put("sizeClasses", entries.stream().map(Entry::sizeClass).toList());
            layerJson.put("offsets", entries.stream().map(Entry::offset).toList());
            layerJson.put(
                    "crc32c",
                    entries.stream().map(entry -> Checksums.hex(entry.crc32c())).toList());
            json.add(layerJson);
        });
        return json;
    }

    private static List<StoreFile> readFiles(JsonObject json) {
        List<StoreFile> files = new ArrayList<>();
        for (JsonObject file : json.requireObjects("files")) {
            String name = file.requireString("name");
            String key = name.endsWith(EXPERT_FILE_SUFFIX) ? "frameCrc32c" : "crc32c";
            files.add(new StoreFile(name, file.requireLong("bytes"), checksum(file, key, file.requireString(key))));
        }
        return files;
    }

    private static List<SizeClass> readSizeClasses(JsonObject json) {
        List<SizeClass> sizeClasses = new ArrayList<>();
        for (JsonObject sizeClass : json.requireObjects("sizeClasses")) {
            List<BlockPart> parts = new ArrayList<>();
            for (JsonObject part : sizeClass.requireObjects("parts")) {
                parts.add(new BlockPart(
                        part.requireString("name"),
                        dtype(part),
                        part.requireInt("rows"),
                        part.requireInt("cols"),
                        part.requireLong("offset"),
                        part.requireLong("byteLength")));
            }
            BlockLayout layout = new BlockLayout(parts);
            if (layout.blockBytes() != sizeClass.requireLong("blockBytes")) {
                throw sizeClass.unexpected(
                        "blockBytes", String.valueOf(layout.blockBytes()), sizeClass.requireLong("blockBytes"));
            }
            sizeClasses.add(new SizeClass(sizeClass.requireString("file"), layout));
        }
        return sizeClasses;
    }

    private static DType dtype(JsonObject part) {
        String name = part.requireString("dtype");
        return Arrays.stream(DType.values())
                .filter(type -> type.name().equals(name))
                .findFirst()
                .orElseThrow(() -> part.unexpected("dtype", "one of " + Arrays.toString(DType.values()), name));
    }

    private static List<Entry> readExperts(JsonObject json) {
        List<Entry> experts = new ArrayList<>();
        for (JsonObject layer : json.requireObjects("layers")) {
            List<Integer> indices = layer.optionalInts("experts").orElse(List.of());
            List<Integer> sizeClasses = layer.optionalInts("sizeClasses").orElse(List.of());
            List<Long> offsets = layer.requireLongs("offsets");
            List<String> checksums = layer.optionalStrings("crc32c").orElse(List.of());
            for (List<?> list : List.of(sizeClasses, offsets, checksums)) {
                if (list.size() != indices.size()) {
                    throw layer.unexpected("experts", "lists of one length", indices.size() + " and " + list.size());
                }
            }
            for (int i = 0; i < indices.size(); i++) {
                experts.add(new Entry(
                        new ExpertId(layer.requireInt("layer"), indices.get(i)),
                        sizeClasses.get(i),
                        offsets.get(i),
                        checksum(layer, "crc32c", checksums.get(i))));
            }
        }
        experts.sort(Comparator.comparing(Entry::id));
        return experts;
    }

    private static int checksum(JsonObject json, String key, String hex) {
        try {
            return Integer.parseUnsignedInt(hex, 16);
        } catch (NumberFormatException e) {
            throw json.unexpected(key, "a checksum of 8 hexadecimal digits", hex);
        }
    }
}
