package io.moetier.runtime.hub;

import io.moetier.storage.format.UnsafeCharacters;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What it means if the hub answers with another status than what was hoped for, and what is to be done.
final class HubRefusal {
    private static final int MOST_CHARACTERS = 200;

    /// The seconds until more may be asked, as in `"api";r=0;t=55`.
    private static final Pattern RESET = Pattern.compile(";\\s*t\\s*=\\s*(\\d{1,9})");

    private final HubSettings settings;

    HubRefusal(HubSettings settings) {
        this.settings = settings;
    }

    /// Returns the failure that a status is.
    ///
    /// @param what was asked for, as the beginning of a sentence
    HubException of(HubName name, String what, int status, HttpHeaders headers) {
        return switch (status) {
            case 401, 403 -> HubException.lasting(what + ": " + locked(name, status, headers));
            case 404, 410 -> HubException.lasting(what + ": " + missing(name, headers));
            case 429 ->
                HubException.later(
                        what + ": the hub has been asked too often (429)"
                                + (settings.token().isPresent()
                                        ? ""
                                        : "; with a token (HF_TOKEN) it may be asked more often"),
                        pause(headers).or(() -> untilReset(headers)));
            case 408, 500, 502, 503, 504 ->
                HubException.later(what + ": the hub fails (" + status + ")", pause(headers));
            default -> HubException.lasting(what + ": the hub answered " + status + said(headers));
        };
    }

    private String locked(HubName name, int status, HttpHeaders headers) {
        String page = settings.endpoint() + "/" + name.repository();
        boolean gated =
                headers.firstValue("X-Error-Code").filter("GatedRepo"::equals).isPresent();
        if (gated) {
            return "its owner asks for consent; agree to the conditions on " + page + " and "
                    + (settings.token().isPresent()
                            ? "use a token of that account"
                            : "set HF_TOKEN to a token of that account");
        }
        return settings.token().isPresent()
                ? "the hub refuses (" + status + ") the token that was sent; does it exist, and may that account read "
                        + page + "?"
                : "there is no such repository, or it is not public, which a token (HF_TOKEN) would open; see " + page;
    }

    private String missing(HubName name, HttpHeaders headers) {
        return switch (headers.firstValue("X-Error-Code").orElse("")) {
            case "RevisionNotFound" ->
                "there is no revision '" + HubRepository.revision(name) + "' of " + name.repository();
            case "EntryNotFound" -> "there is no such file in " + name.repository();
            default -> "there is no such thing at " + settings.endpoint() + said(headers);
        };
    }

    private static String said(HttpHeaders headers) {
        return headers.firstValue("X-Error-Message")
                .map(text -> text.substring(0, Math.min(text.length(), MOST_CHARACTERS)))
                .map(text -> ": " + UnsafeCharacters.replace(text, UnsafeCharacters::isUnsafe, letter -> " "))
                .orElse("");
    }

    /// Returns how long not to ask: in seconds, or until a date.
    private static Optional<Duration> pause(HttpHeaders headers) {
        return headers.firstValue("Retry-After").flatMap(HubRefusal::pause);
    }

    /// Returns how long it takes until as much may be asked again as ever, and a second more for clocks that differ.
    /// Answers of every status tell that; only after a 429 is it a reason to wait.
    private static Optional<Duration> untilReset(HttpHeaders headers) {
        return headers.firstValue("RateLimit")
                .map(RESET::matcher)
                .filter(Matcher::find)
                .map(reset -> Duration.ofSeconds(Long.parseLong(reset.group(1)) + 1));
    }

    private static Optional<Duration> pause(String text) {
        if (text.matches("\\d{1,9}")) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
        }
        try {
            Instant until = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration pause = Duration.between(Instant.now(), until);
            return Optional.of(pause.isNegative() ? Duration.ZERO : pause);
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }
}
