import TensorCore

/// Why a server's file cannot be read.
enum RemoteFailure: Error {
    /// The connection broke off, or the server is busy: another try may help.
    case interrupted(String)
    /// Nothing comes any more: another try may help where something came before.
    case stalled(String)
    /// The file is not there, or not for everybody.
    case withheld(String)
    /// What cannot be, or is not done.
    case refused(String)

    var reason: String {
        switch self {
        case .interrupted(let reason), .stalled(let reason), .withheld(let reason), .refused(let reason):
            reason
        }
    }

    /// - Parameter hasBegun: whether something came in this try.
    func isWorthATry(hasBegun: Bool) -> Bool {
        switch self {
        case .interrupted: true
        case .stalled: hasBegun
        case .withheld, .refused: false
        }
    }

    /// Runs `body`; all that it throws is told as an error of this kind.
    static func of<Result>(_ body: () throws -> Result) throws(RemoteFailure) -> Result {
        do {
            return try body()
        } catch let failure as RemoteFailure {
            throw failure
        } catch {
            throw .refused("\(error)")
        }
    }

    /// Runs `body`, which writes to the file that keeps what was fetched.
    static func keeping<Result>(_ body: () throws -> Result) throws(RemoteFailure) -> Result {
        do {
            return try body()
        } catch {
            throw .refused("cannot be kept in the folder for temporary files (TMPDIR): \(error)")
        }
    }

    /// The failure that a status stands for.
    static func status(_ status: Int, of address: WebAddress) -> RemoteFailure {
        let meaning =
            switch status {
            case 401: " (Unauthorized): the server wants a login"
            case 403: " (Forbidden): a login may be needed, or the address has expired"
            case 404: " (Not Found)"
            case 407: " (Proxy Authentication Required)"
            case 410: " (Gone)"
            case 429: " (Too Many Requests)"
            case 500: " (Internal Server Error)"
            case 502: " (Bad Gateway)"
            case 503: " (Service Unavailable)"
            case 504: " (Gateway Timeout)"
            default: ""
            }
        let text = "\(address.host) answers with status \(status)\(meaning)"
        return switch status {
        case 429, 502, 503, 504: .interrupted(text)
        case 401, 403, 404, 410: .withheld(text)
        default: .refused(text)
        }
    }
}
