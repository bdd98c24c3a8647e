//! `/api/deals/{id}/key-dates` and `/api/deals/{id}/what-if`: a deal's dates, how they came about, and moving them.
