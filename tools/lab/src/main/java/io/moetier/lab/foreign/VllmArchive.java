package io.moetier.lab.foreign;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Phase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/// Arrays of vLLM in the archive that `numpy.savez` writes, a zip file of an `.npy` for each name. Every array whose
/// name begins with `routed_experts` is a request, in the archive's order; `prompt_routed_experts`, if it is there, is
/// the prompt of the first one, and then no other array has one.
final class VllmArchive implements ForeignTrace {
    private static final String SUFFIX = ".npy";
    private static final String PROMPT = VllmResponses.PROMPT_FIELD + SUFFIX;
    private static final int MOST_ENTRY_BYTES = 1 << 30;

    private final Path file;
    private final int numExperts;
    private final int promptTokens;

    VllmArchive(Path file, int numExperts, int promptTokens) {
        this.file = file;
        this.numExperts = numExperts;
        this.promptTokens = promptTokens;
    }

    @Override
    public Optional<String> model() {
        return Optional.empty();
    }

    @Override
    public OptionalInt numExperts() {
        return OptionalInt.empty();
    }

    @Override
    public void read(Consumer<ForeignToken> tokens) {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            read(zip, new VllmTokens(numExperts, tokens));
        } catch (IOException e) {
            throw new MalformedModelException(
                    file + ": expected a zip file of NumPy arrays, found a damaged one: " + e.getMessage(), e);
        }
    }

    private void read(ZipFile zip, VllmTokens requests) throws IOException {
        List<? extends ZipEntry> arrays = zip.stream()
                .filter(entry -> entry.getName().startsWith(VllmResponses.FIELD)
                        && entry.getName().endsWith(SUFFIX))
                .toList();
        if (arrays.isEmpty()) {
            throw MalformedModelException.of(file, "arrays", "one named " + VllmResponses.FIELD, names(zip));
        }
        ZipEntry prompt = zip.getEntry(PROMPT);
        if (prompt != null) {
            NpyArray experts = array(zip, prompt);
            requests.add(experts, 0, experts.numTokens(), Phase.PREFILL, at(prompt));
        }
        for (ZipEntry entry : arrays) {
            NpyArray experts = array(zip, entry);
            int begin = prompt == null ? Math.min(promptTokens, experts.numTokens()) : 0;
            requests.add(experts, 0, begin, Phase.PREFILL, at(entry));
            requests.add(experts, begin, experts.numTokens(), Phase.DECODE, at(entry));
            requests.endRequest();
        }
    }

    private NpyArray array(ZipFile zip, ZipEntry entry) throws IOException {
        if (entry.getSize() < 0 || entry.getSize() > MOST_ENTRY_BYTES) {
            throw MalformedModelException.of(
                    at(entry), "size", "at most " + MOST_ENTRY_BYTES + " bytes", entry.getSize());
        }
        try (InputStream in = zip.getInputStream(entry)) {
            byte[] bytes = in.readNBytes((int) entry.getSize());
            CRC32 checksum = new CRC32();
            checksum.update(bytes);
            if (checksum.getValue() != entry.getCrc()) {
                throw MalformedModelException.of(
                        at(entry), "checksum", Long.toHexString(entry.getCrc()), Long.toHexString(checksum.getValue()));
            }
            return NpyArray.of(ByteBuffer.wrap(bytes), at(entry));
        }
    }

    private Path at(ZipEntry entry) {
        return file.resolveSibling(file.getFileName() + " " + entry.getName().replaceAll("[/\\x00]", " "));
    }

    private static String names(ZipFile zip) {
        String names = zip.stream().map(ZipEntry::getName).collect(Collectors.joining(", "));
        return names.isEmpty() ? "none" : names;
    }
}
