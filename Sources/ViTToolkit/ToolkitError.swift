import WeightMapping

/// What stands in the way of a whole job, beyond what the layers below say themselves.
public enum ToolkitError: Error, Sendable {
    /// An error of a layer below, in the file it is about.
    case inFile(String, any Error)
    /// The output would replace the input.
    case outputIsInput(String)
    /// The name of the output ends in nothing that is written.
    case unknownOutput(String)
    /// The `.swt` file says something about itself that cannot be.
    case swt(String)
    /// No variant has this name.
    case unknownVariant(String, candidates: [String])
    /// No naming scheme has this name.
    case unknownScheme(String, known: [String])
    /// A file that describes the model (`config.json`) says what cannot be; with file and key.
    case modelDescription(String, detail: String)
    /// The converted model does not compute what the reference says; nothing was put in place.
    case parityFailed([ParityReport])
    /// Loading the source in Python would run code; some of it. Nothing was written.
    case unsafeSource(String, examples: [String])
    /// Parts of the request exclude each other.
    case usage(String)
    /// The request cannot be carried out.
    case impossible(String)
}

extension ToolkitError: CustomStringConvertible {
    /// The error in words.
    public var description: String {
        switch self {
        case .inFile(let path, let error):
            let text = "\(error)"
            return text.hasPrefix(path) ? text : "\(path): \(text)"
        case .outputIsInput(let path):
            return "\(path): the output is the input itself; give it another name"
        case .unknownOutput(let path):
            let endings = OutputFormat.allCases.flatMap(\.endings)
            let list = endings.dropLast().joined(separator: ", ") + " or " + (endings.last ?? "")
            return "\(path): the output's name must end in \(list), which say what to write"
        case .swt(let detail):
            return "the .swt metadata is damaged: \(detail)"
        case .unknownVariant(let name, let candidates):
            let hint = candidates.isEmpty ? "" : "; did you mean \(candidates.joined(separator: ", "))?"
            return "no variant is called \"\(name)\"\(hint)"
        case .unknownScheme(let name, let known):
            var search = NearestName(among: known)
            let hint = search.nearest(to: name).map { "; did you mean \($0)?" } ?? ""
            return "no naming scheme is called \"\(name)\"\(hint.isEmpty ? ": there" : hint + " There") are "
                + known.joined(separator: ", ")
        case .modelDescription(let place, let detail):
            return "\(place): \(detail)"
        case .parityFailed:
            return "the converted model does not compute what the reference says; nothing was written"
        case .unsafeSource(let path, let examples):
            return "\(path): would run code when loaded in Python: \(examples.joined(separator: ", ")). "
                + "Look at all of it with \"vit-convert inspect --security\"; nothing of it is run here, and "
                + "--allow-unsafe-source converts the weights all the same"
        case .usage(let detail), .impossible(let detail):
            return detail
        }
    }

    /// The scheme of a name.
    static func scheme(named name: String) throws -> NamingScheme { try NamingScheme.known(name) }

    /// Whether what was asked for cannot be, whatever the files hold.
    package var isUsage: Bool {
        switch self {
        case .unknownOutput, .unknownVariant, .unknownScheme, .usage: true
        default: false
        }
    }

    /// Runs `body`; whatever it throws is told with the file it is about.
    static func inFile<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ToolkitError {
            throw error
        } catch let error as CheckpointError {
            throw CheckpointError(error, path: path)
        } catch {
            throw ToolkitError.inFile(path, error)
        }
    }
}

extension NamingScheme {
    /// The scheme of a name, or an error that lists the names there are.
    package static func known(_ name: String) throws -> NamingScheme {
        guard let scheme = named(name) else {
            throw ToolkitError.unknownScheme(name, known: all.map(\.name))
        }
        return scheme
    }
}
