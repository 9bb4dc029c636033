package io.moetier.runtime.hub;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.UnsafeCharacters;
import io.moetier.storage.model.MalformedModelException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// A file of a repository on the hub, as the hub describes it.
///
/// @param path inside the repository, with slashes
/// @param bytes how long it is
/// @param sha256 of its content, in hexadecimal digits; the hub tells it of large files
/// @param etag what the hub's caches call its content: `sha256`, or the name of its blob in Git
public record HubFile(String path, long bytes, Optional<String> sha256, String etag) {
    private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    /// Reads what the hub says of a file.
    ///
    /// @throws MalformedModelException if that cannot be, as for a path that leads out of the repository
    static HubFile of(JsonObject sibling) {
        String path = sibling.requireString("rfilename");
        if (!isInside(path)) {
            throw sibling.unexpected("rfilename", "a path inside the repository", shown(path));
        }
        Optional<JsonObject> lfs = sibling.optionalObject("lfs");
        Optional<String> sha256 = lfs.map(large -> digest(large, "sha256", SHA256));
        String etag = sha256.orElseGet(() -> digest(sibling, "blobId", SHA1));
        long bytes = lfs.flatMap(large -> large.optionalLong("size")).orElseGet(() -> sibling.requireLong("size"));
        if (bytes < 0) {
            throw sibling.unexpected("size", "a number of bytes", bytes);
        }
        return new HubFile(path, bytes, sha256, etag);
    }

    /// Returns the name without the folders.
    public String name() {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /// Says whether a path stays in the folder that it begins in, on every system.
    public static boolean isInside(String path) {
        return path.chars().noneMatch(letter -> letter == '\\' || UnsafeCharacters.isUnsafe(letter))
                && List.of(path.split("/", -1)).stream()
                        .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
    }

    /// Says whether a text is what the hub's caches call content.
    static boolean isDigest(String text) {
        return SHA1.matcher(text).matches() || SHA256.matcher(text).matches();
    }

    private static String digest(JsonObject object, String key, Pattern pattern) {
        String digest = object.requireString(key);
        if (!pattern.matcher(digest).matches()) {
            throw object.unexpected(key, "a digest in hexadecimal digits", shown(digest));
        }
        return digest;
    }

    private static String shown(String text) {
        return UnsafeCharacters.replace(text, UnsafeCharacters::isUnsafe, letter -> "?");
    }
}
