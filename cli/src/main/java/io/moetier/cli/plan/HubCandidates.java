package io.moetier.cli.plan;

import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.HubVariables;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.plan.Candidate;
import io.moetier.runtime.hub.Hub;
import io.moetier.runtime.hub.HubFile;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.hub.HubRepository;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.runtime.hub.StandIns;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a repository of the hub has, by the headers of its files.
///
/// @param folder for files that stand in for those of the hub meanwhile
record HubCandidates(Surroundings surroundings, Streams streams, Path folder) {
    private static final String GGUF = ".gguf";

    /// The whole files of a repository with many quantisations would be some hundred headers.
    static final int MOST_MODELS = 24;

    /// Returns the model that the name means, and the others in GGUF that there are.
    ///
    /// @param most models whose headers are read, of those that can be
    /// @throws IllegalArgumentException if it means none
    PlanCandidates of(HubName name, int most) {
        try (Hub hub = new Hub(new HubVariables(surroundings).settings(), streams::note)) {
            HubRepository repository = hub.repository(name);
            try (CleanStop _ = CleanStop.open(); // the stand-ins do not stay
                    StandIns files = StandIns.open(hub, repository, folder)) {
                return of(repository, files, most);
            }
        }
    }

    private static PlanCandidates of(HubRepository repository, StandIns files, int most) {
        List<Candidate> list = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        List<String> unread = new ArrayList<>();
        List<RuntimeException> failures = new ArrayList<>();
        int numRead = 0;
        for (Map.Entry<HubName, HubSelection> each : models(repository).entrySet()) {
            if (numRead == most) {
                break;
            }
            HubName name = each.getKey();
            HubSelection selection = each.getValue();
            try {
                Path opened = files.add(selection);
                PlanCandidates found =
                        files.read(() -> PlanCandidates.ofSource(opened, name.toString(), !isGguf(opened)));
                numRead++;
                for (Candidate form : found.list()) {
                    list.add(new Candidate(form.name(), form.quantisation(), label(form, opened), form.model()));
                }
                if (notes.isEmpty()) {
                    notes.addAll(found.notes());
                }
            } catch (MalformedModelException | IllegalArgumentException e) {
                if (list.isEmpty() && repository.name().selection().isPresent()) {
                    throw e; // it is the one that was asked for
                }
                failures.add(e);
                unread.add("left out " + selection.model().orElse(name.toString()) + ", which cannot be read: "
                        + Failure.of(e).sentence());
            }
        }
        if (list.isEmpty()) {
            throw failures.getFirst();
        }
        notes.addAll(unread);
        long all = repository.files().stream().mapToLong(HubFile::bytes).sum();
        notes.addFirst("read " + ByteSize.format(files.bytesRead()) + " of the repository's " + ByteSize.format(all));
        return new PlanCandidates(list, notes);
    }

    /// Returns the models in GGUF, the one that is meant first; a checkpoint alone where that is meant.
    private static Map<HubName, HubSelection> models(HubRepository repository) {
        Map<HubName, HubSelection> models = new LinkedHashMap<>();
        if (repository.name().selection().isPresent()) {
            HubSelection meant = HubSelection.of(repository);
            models.put(repository.name(), meant);
            if (!isGguf(meant)) {
                return models;
            }
        }
        Optional<HubSelection> meant = models.values().stream().findFirst();
        HubSelection.each(repository).forEach((name, selection) -> {
            boolean isMeant =
                    meant.filter(of -> of.model().equals(selection.model())).isPresent();
            if (models.size() < MOST_MODELS && isGguf(selection) && !isMeant) {
                models.put(name, selection);
            }
        });
        if (models.isEmpty()) {
            models.put(repository.name(), HubSelection.of(repository)); // its only model, or the hub's refusal
        }
        return models;
    }

    private static boolean isGguf(HubSelection selection) {
        return selection.model().filter(file -> file.endsWith(GGUF)).isPresent();
    }

    private static String label(Candidate candidate, Path opened) {
        return isGguf(opened) ? String.valueOf(opened.getFileName()) : candidate.label();
    }

    private static boolean isGguf(Path opened) {
        return opened.toString().endsWith(GGUF);
    }
}
