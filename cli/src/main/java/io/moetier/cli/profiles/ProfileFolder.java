package io.moetier.cli.profiles;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The profiles in a cache, those of all models.
public final class ProfileFolder {
    private static final String DIRECTORY = "census";
    private static final String FINGERPRINT = "[A-Za-z0-9][A-Za-z0-9_-]{0,127}";
    private static final Pattern FILE =
            Pattern.compile("(" + FINGERPRINT + ")\\.(.+)" + Pattern.quote(KeptProfile.CENSUS));
    private static final int SHORT = 8; // digits of a fingerprint that tell models apart for people

    private final Path directory;

    public ProfileFolder(Path cacheDirectory) {
        directory = cacheDirectory.resolve(DIRECTORY);
    }

    /// Says whether a model can have this fingerprint.
    static boolean isFingerprint(String text) {
        return text.matches(FINGERPRINT);
    }

    /// Returns the profile `name` of a model, whether it is there or not.
    KeptProfile of(String fingerprint, ProfileName name) {
        return new KeptProfile(directory, fingerprint, name);
    }

    /// Returns what is kept, by model and name.
    ///
    /// @throws MalformedModelException if the folder cannot be read
    List<KeptProfile> all() {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> FILE.matcher(String.valueOf(file.getFileName())))
                    .filter(Matcher::matches)
                    .flatMap(file -> ProfileName.find(file.group(2)).map(name -> of(file.group(1), name)).stream())
                    .sorted(Comparator.comparing(KeptProfile::fingerprint)
                            .thenComparing(kept -> kept.name().toString()))
                    .toList();
        } catch (IOException e) {
            throw new MalformedModelException(directory + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }

    /// Returns what is kept of one model.
    List<KeptProfile> of(String fingerprint) {
        return all().stream()
                .filter(kept -> kept.fingerprint().equals(fingerprint))
                .toList();
    }

    /// Returns the profile of that name.
    ///
    /// @param model the model's name or the beginning of its fingerprint, where more than one has such a profile
    /// @throws IllegalArgumentException if there is none, or if there are several
    KeptProfile find(String name, Optional<String> model) {
        ProfileName wanted = ProfileName.parseKept("NAME", name);
        List<KeptProfile> named =
                all().stream().filter(kept -> kept.name().equals(wanted)).toList();
        List<KeptProfile> found = named.stream()
                .filter(kept -> model.isEmpty() || isOf(kept, model.get()))
                .toList();
        if (found.isEmpty()) {
            throw new IllegalArgumentException("NAME: expected one of " + names() + ", found '" + name + "'"
                    + model.map(of -> " of '" + of + "'").orElse(""));
        }
        return found.stream()
                .filter(kept -> found.size() == 1 || kept.fingerprint().equals(model.orElse("")))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "--model: '" + name + "' is kept for several models, expected one of "
                                + found.stream().map(KeptProfile::fingerprint).collect(Collectors.joining(", "))));
    }

    /// Returns how people see a model: its name and the beginning of its fingerprint.
    static String spelling(KeptProfile kept) {
        String digits = shortFingerprint(kept);
        String model = modelOf(kept);
        return model.isEmpty() ? digits : model + " (" + digits + ")";
    }

    static String shortFingerprint(KeptProfile kept) {
        return kept.fingerprint()
                .substring(0, Math.min(SHORT, kept.fingerprint().length()));
    }

    private static boolean isOf(KeptProfile kept, String model) {
        return kept.fingerprint().startsWith(model) || modelOf(kept).equals(model);
    }

    /// A damaged profile can be removed still.
    private static String modelOf(KeptProfile kept) {
        try {
            return kept.read().model();
        } catch (MalformedModelException e) {
            return "";
        }
    }

    private String names() {
        String names = all().stream()
                .map(kept -> kept.name().toString())
                .distinct()
                .sorted()
                .collect(Collectors.joining(", "));
        return names.isEmpty() ? "the profiles in " + directory + ", which has none yet" : names;
    }
}
