package io.moetier.cli.profiles;

import io.moetier.runtime.offload.LearntFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;

/// A profile as one file, to carry it elsewhere: a ZIP archive of `profile.json` (`format`, `fingerprint`, `name`),
/// `census.json` and, if the policy has learnt, `learnt`.
///
/// @param fingerprint of the model where the profile comes from
record ProfileArchive(String fingerprint, ProfileName name, CountedModel counted, Optional<byte[]> learnt) {
    private static final String FORMAT = "moetier-profile/1";
    private static final String HEAD = "profile.json";
    private static final String CENSUS = "census.json";
    private static final String LEARNT = "learnt";
    private static final int MOST_JSON_BYTES = 64 << 20;

    /// Returns the archive of what is kept.
    ///
    /// @throws MalformedModelException if that is damaged
    static ProfileArchive of(KeptProfile kept) throws IOException {
        Optional<byte[]> learnt =
                kept.learntTokens().isPresent() ? Optional.of(Files.readAllBytes(kept.learntFile())) : Optional.empty();
        return new ProfileArchive(kept.fingerprint(), kept.name(), kept.read(), learnt);
    }

    /// Reads an archive.
    ///
    /// @throws MalformedModelException if it is damaged or something else
    static ProfileArchive read(Path file) {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            JsonObject head = Json.parseObject(require(file, zip, HEAD), file);
            if (!head.requireString("format").equals(FORMAT)) {
                throw head.unexpected("format", FORMAT, head.requireString("format"));
            }
            String fingerprint = head.requireString("fingerprint");
            if (!ProfileFolder.isFingerprint(fingerprint)) {
                throw head.unexpected("fingerprint", "a word", fingerprint);
            }
            ProfileName name = ProfileName.find(head.requireString("name"))
                    .filter(ProfileName::canBeKept)
                    .orElseThrow(() -> head.unexpected("name", "the name of a profile", head.requireString("name")));
            CountedModel counted = CountedModel.parse(Json.parseObject(require(file, zip, CENSUS), file));
            Optional<byte[]> learnt = entry(file, zip, LEARNT, LearntFile.MAX_BYTES);
            learnt.ifPresent(bytes -> LearntFile.tokens(file, bytes));
            return new ProfileArchive(fingerprint, name, counted, learnt);
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (ZipException e) {
            throw MalformedModelException.of(file, "format", "an exported profile", "something else");
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }

    /// Writes the archive to `file`.
    void write(Path file) throws IOException {
        Map<String, Object> head = new LinkedHashMap<>();
        head.put("format", FORMAT);
        head.put("fingerprint", fingerprint);
        head.put("name", name.toString());
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            put(zip, HEAD, Json.write(head).getBytes(StandardCharsets.UTF_8));
            put(zip, CENSUS, Json.write(counted.toMap()).getBytes(StandardCharsets.UTF_8));
            if (learnt.isPresent()) {
                put(zip, LEARNT, learnt.get());
            }
        }
    }

    private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(bytes);
        zip.closeEntry();
    }

    private static byte[] require(Path file, ZipFile zip, String name) throws IOException {
        return entry(file, zip, name, MOST_JSON_BYTES)
                .orElseThrow(() -> MalformedModelException.of(file, "format", "an exported profile", "no " + name));
    }

    /// What the archive says of an entry's size is not trusted.
    private static Optional<byte[]> entry(Path file, ZipFile zip, String name, long most) throws IOException {
        @Nullable ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            return Optional.empty();
        }
        try (InputStream in = zip.getInputStream(entry)) {
            byte[] bytes = in.readNBytes((int) most + 1);
            if (bytes.length > most) {
                throw MalformedModelException.of(file, name, "at most " + most + " bytes", "more");
            }
            return Optional.of(bytes);
        }
    }
}
