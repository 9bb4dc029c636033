package io.moetier.cli.profiles;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The name of a profile: that of a kind of work, and before it and a dot that of the person whose it is.
///
/// @param person none if it is of whoever uses this cache
public record ProfileName(Optional<String> person, String kind) {
    /// The kind of what nobody has named.
    public static final String DEFAULT = "default";
    /// Stands for the kind that is nearest to what a prompt chooses.
    public static final String AUTO = "auto";
    /// Stands for no profile at all.
    public static final String NONE = "none";

    private static final String PART = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}";
    private static final Pattern NAME = Pattern.compile("(?:(" + PART + ")\\.)?(" + PART + ")");

    /// Reads a name, which `option` gives.
    ///
    /// @throws IllegalArgumentException if it cannot be one
    public static ProfileName parse(String option, String text) {
        return find(text)
                .orElseThrow(() -> new IllegalArgumentException(option
                        + ": expected up to 64 letters, digits, - and _, after PERSON. or not, found '" + text + "'"));
    }

    /// Reads the name of something kept, which `option` gives.
    ///
    /// @throws IllegalArgumentException if nothing kept can have it
    static ProfileName parseKept(String option, String text) {
        ProfileName name = parse(option, text);
        if (!name.canBeKept()) {
            throw new IllegalArgumentException(
                    option + ": expected a name other than " + AUTO + " and " + NONE + ", found '" + text + "'");
        }
        return name;
    }

    static Optional<ProfileName> find(String text) {
        Matcher matcher = NAME.matcher(text);
        return matcher.matches()
                ? Optional.of(new ProfileName(Optional.ofNullable(matcher.group(1)), matcher.group(2)))
                : Optional.empty();
    }

    /// Returns the same person's name of another kind.
    ProfileName withKind(String other) {
        return new ProfileName(person, other);
    }

    /// Says whether it stands for itself.
    boolean canBeKept() {
        return !isAuto() && !isNone();
    }

    boolean isAuto() {
        return kind.equals(AUTO);
    }

    boolean isNone() {
        return kind.equals(NONE);
    }

    @Override
    public String toString() {
        return person.map(of -> of + ".").orElse("") + kind;
    }
}
