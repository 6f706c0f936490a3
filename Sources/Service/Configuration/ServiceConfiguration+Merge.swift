extension ServiceConfiguration {
    /// Merges the sources: flags over environment over file over defaults.
    ///
    /// - Parameters:
    ///   - flags: values by setting's name; one that was not given is absent or empty.
    ///   - environment: the process's variables; those that begin with `QUIVER_` count.
    ///   - file: the configuration file's entries, and its path for messages.
    /// - Throws: ``ConfigurationError`` for an unknown name or a value that does not fit.
    package static func merging(
        flags: [String: [String]], environment: [String: String], file: ConfigurationFile?
    ) throws(ConfigurationError) -> ServiceConfiguration {
        var configuration = ServiceConfiguration()
        for entry in file?.entries ?? [] {
            let place = "\(file?.path ?? ""):\(entry.line): "
            if entry.key == ConfigurationFile.listKey {
                try configuration.setModels(entry, file: file?.path ?? "")
                continue
            }
            guard let setting = Setting.all.first(where: { $0.name == entry.key }) else {
                throw ConfigurationError(
                    "\(place)unknown key '\(entry.key)'" + suggestion(for: entry.key))
            }
            if setting.name == "model" && !configuration.modelEntries.isEmpty {
                throw ConfigurationError("\(place)'model' and 'models' exclude each other")
            }
            try configuration.set(setting, entry.values, called: "\(place)'\(entry.key)'")
        }
        for (variable, value) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix("QUIVER_") && !reservedVariables.contains(variable) {
            guard let setting = Setting.all.first(where: { $0.variable == variable }) else {
                throw ConfigurationError("unknown environment variable \(variable)")
            }
            let values =
                setting.isList
                ? value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                : [value]
            try configuration.set(setting, values, called: variable)
        }
        for setting in Setting.all {
            if let values = flags[setting.name], !values.isEmpty {
                try configuration.set(setting, values, called: "--\(setting.name)")
            }
        }
        return configuration
    }

    /// Variables of ours that are no settings of the service.
    ///
    /// `QUIVER_CONFIG` names the file; the others are the scripts' and the tests'.
    private static let reservedVariables: Set<String> = [
        "QUIVER_CONFIG", "QUIVER_CACHE", "QUIVER_TEST_MODEL", "QUIVER_SIMULATION_SEED",
        "QUIVER_SIMULATION_SEEDS",
    ]

    /// Takes the file's list of models.
    private mutating func setModels(
        _ list: ConfigurationFile.Entry, file: String
    ) throws(ConfigurationError) {
        let place = "\(file):\(list.line): "
        guard modelFolders.isEmpty else {
            throw ConfigurationError("\(place)'model' and 'models' exclude each other")
        }
        guard !list.mappings.isEmpty, list.values.isEmpty else {
            throw ConfigurationError(
                "\(place)'models' must be a list of entries, each with its 'path'; plain folders go "
                    + "into 'model'")
        }
        for mapping in list.mappings {
            modelEntries.append(
                try ModelEntry(mapping, line: mapping.first?.line ?? list.line, file: file))
        }
    }

    mutating func set(
        _ setting: Setting, _ values: [String], called name: String
    ) throws(ConfigurationError) {
        do throws(SettingProblem) {
            try setting.apply(values, &self)
            given[setting.name] = values
        } catch {
            let given = values.count == 1 ? "'\(values[0])'" : "a list of \(values.count)"
            throw ConfigurationError("\(name) is \(given), but must be \(error.expected)")
        }
    }

    /// "; did you mean 'x'?" where a setting's name is within two edits.
    private static func suggestion(for key: String) -> String {
        let near = Setting.all.map { (name: $0.name, distance: editDistance($0.name, key)) }
            .min { $0.distance < $1.distance }
        guard let near, near.distance <= 2 else { return "" }
        return "; did you mean '\(near.name)'?"
    }

    /// Levenshtein's distance between two short names.
    private static func editDistance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8.prefix(64)))
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
